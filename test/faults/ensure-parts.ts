import { join } from 'node:path'
import { execa } from 'execa'
import { debianLocalBuilder } from '../../images/build-debian-local.ts'
import { packageRoot } from '../../images/package-root.ts'
import { openShelf } from '../../images/shelf.ts'

/** The image and the template that the jobs start from, so that no fault falls into their making. */
export async function ensureParts(dataFolder: string): Promise<void> {
  const shelf = openShelf({ dataFolder, builders: { 'debian-12-local': debianLocalBuilder() } })
  await shelf.ensure('debian-12-local', { signal: new AbortController().signal })
  const main = join(packageRoot(), 'dist', 'orchestrator', 'command', 'main.js')
  await execa(process.execPath, [main, 'templates', 'build', '--memory', '512MiB', '--cpus', '1'], {
    env: { MAYFLY_DATA: dataFolder, MAYFLY_CONFIG: '' },
  })
}
