import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { TestProject } from 'vitest/node'
import { debianLocalBuilder } from '../../images/build-debian-local.ts'
import { packageRoot } from '../../images/package-root.ts'
import { openShelf } from '../../images/shelf.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The data folder whose `images/` and `templates/` all machine tests share. */
    readonly sharedData: string
  }
}

/** The machines that most tests and the examples ask for; each size has its template. */
const sizes = ['512MiB', '1GiB']

let made: string | undefined

/** One build of the command, one image and its templates for all tests that boot machines. */
export async function setup(project: TestProject): Promise<void> {
  const given = process.env.MAYFLY_DATA
  made = given === undefined ? await mkdtemp(join(tmpdir(), 'mayfly-test-')) : undefined
  const dataFolder = given ?? made ?? ''
  await execa('npm', ['run', '--silent', 'build'], { cwd: packageRoot() })
  // As scripts/set-up marks it, so that the test of the quickstart does not build again under the other tests.
  await writeFile(join(packageRoot(), 'dist', '.built'), '')
  const shelf = openShelf({ dataFolder, builders: { 'debian-12-local': debianLocalBuilder() } })
  await shelf.ensure('debian-12-local', { signal: new AbortController().signal })
  // Not left to the first tests: a template stands on the image by its path, which would end with theirs.
  await Promise.all(sizes.map((memory) => buildTemplate(dataFolder, memory)))
  project.provide('sharedData', dataFolder)
}

async function buildTemplate(dataFolder: string, memory: string): Promise<void> {
  const main = join(packageRoot(), 'dist', 'orchestrator', 'command', 'main.js')
  await execa(process.execPath, [main, 'templates', 'build', '--memory', memory], {
    env: { MAYFLY_DATA: dataFolder, MAYFLY_CONFIG: '' },
  })
}

export async function teardown(): Promise<void> {
  if (made !== undefined) await rm(made, { recursive: true, force: true })
}
