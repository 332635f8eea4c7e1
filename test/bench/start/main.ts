import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../../config/errors.ts'
import { openBenchHost } from '../bench-host.ts'
import { describeHost } from '../describe-host.ts'
import { openContenders } from './open-contenders.ts'
import { planTurns } from './plan-turns.ts'
import { readStartOptions, type StartOptions } from './read-start-options.ts'
import { rowsOf } from './row.ts'
import { runTurns } from './run-turns.ts'
import { startMarkdown } from './start-markdown.ts'
import { startPicture } from './start-picture.ts'
import type { StartResult } from './start-result.ts'
import { startTable } from './start-table.ts'

/**
 * `npm run bench:start [-- --runs N] [-- --peers N] [-- --only NAMES] [-- --at-once NUMBERS] [-- --json FILE]
 * [-- --markdown FILE] [-- --svg FILE]`: the ways to come to a machine, ours and those of Debian's packages.
 */
try {
  await bench(readStartOptions(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}

async function bench(options: StartOptions): Promise<void> {
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-start-'))
  try {
    const host = await openBenchHost(folder)
    const description = await describeHost(host)
    process.stdout.write(`${description}\n\n`)
    const [data, work, peers] = [join(folder, 'data'), join(folder, 'work'), join(folder, 'peers')]
    for (const path of [data, work, peers]) await mkdir(path, { recursive: true })
    await writeFile(join(work, 'file'), 'a file\n')
    await symlink(join(host.dataFolder, 'images'), join(data, 'images'))
    const contenders = await openContenders({ bench: host, data, work, peers }, options.only, tell)
    const samples = await runTurns(planTurns({ ...options, contenders }), tell)
    const result = { host: description, rows: rowsOf(samples) }
    process.stdout.write(startTable(result.rows))
    await writeResult(result, options)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function writeResult(result: StartResult, { json, markdown, svg }: StartOptions): Promise<void> {
  if (json !== undefined) await writeFile(json, `${JSON.stringify(result, null, 2)}\n`)
  if (markdown !== undefined) await writeFile(markdown, startMarkdown(result))
  if (svg !== undefined) await writeFile(svg, startPicture(result))
}
