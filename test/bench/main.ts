import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { formatTable } from '../../orchestrator/command/view/format-table.ts'
import { type BenchHost, openBenchHost } from './bench-host.ts'
import { coldBoot } from './cold-boot.ts'
import { describeHost } from './describe-host.ts'
import type { Figure } from './figure.ts'
import { helloJob } from './hello-job.ts'
import { logPath } from './log-path.ts'
import { store } from './store.ts'
import { upload } from './upload.ts'

/**
 * `npm run bench [-- --runs N] [-- --json FILE] [-- --only NAME]`: the figures of the design's table that this host
 * can give, as minimum, median and maximum, with the host they were taken on.
 */
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, json: { type: 'string' }, only: { type: 'string' } },
})

const benches: Readonly<Record<string, (host: BenchHost, runs: number) => Promise<Figure[]>>> = {
  'cold-boot': coldBoot,
  'hello-job': helloJob,
  upload,
  'log-path': logPath,
  store,
}

const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-'))
try {
  const host = await openBenchHost(folder)
  const description = await describeHost(host)
  process.stdout.write(`${description}\n\n`)
  const figures: Figure[] = []
  for (const [name, bench] of Object.entries(benches)) {
    if (values.only !== undefined && values.only !== name) continue
    figures.push(...(await bench(host, Number(values.runs))))
  }
  const rows = figures.map(({ what, unit, min, median, max, runs, target }) => [
    what,
    `${round(median)} ${unit}`,
    `${round(min)}-${round(max)}`,
    String(runs),
    target,
  ])
  process.stdout.write(formatTable(['WHAT', 'MEDIAN', 'RANGE', 'RUNS', 'TARGET'], rows))
  if (values.json !== undefined) {
    await writeFile(values.json, `${JSON.stringify({ host: description, figures }, null, 2)}\n`)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
