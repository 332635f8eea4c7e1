import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BenchPlace, createBenchPlace } from './bench-place.ts'
import { coldBoot } from './cold-boot.ts'
import { debug } from './debug.ts'
import { describeHost } from './describe-host.ts'
import type { Figure } from './figure.ts'
import { figureTable } from './figure-table.ts'
import { helloJob } from './hello-job.ts'
import { jobOverhead } from './job-overhead.ts'
import { logFollowers } from './log-followers.ts'
import { logPage } from './log-page.ts'
import { logPath } from './log-path.ts'
import { store } from './store.ts'
import { upload } from './upload.ts'
import { webhooks } from './webhooks.ts'

/**
 * `npm run bench [-- --runs N] [-- --json FILE] [-- --only NAME]
 * [-- --log-megabytes N]`: the figures of the design's table that this host
 * can give, as minimum, median and maximum, with the host they were taken on. Nothing fails for being slow: a target
 * that was missed is printed as missed.
 */
type Bench = (place: BenchPlace, runs: number) => Promise<Figure[]>

const onMachines: Readonly<Record<string, Bench>> = {
  'cold-boot': coldBoot,
  'hello-job': helloJob,
  upload,
  debug,
}
const withoutMachines: Readonly<Record<string, Bench>> = {
  'log-path': logPath,
  'log-followers': logFollowers,
  'log-page': logPage,
  'job-overhead': jobOverhead,
  store,
  webhooks,
}
const benches = { ...onMachines, ...withoutMachines }
const names = Object.keys(benches).join(', ')

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    json: { type: 'string' },
    only: { type: 'string' },
    'log-megabytes': { type: 'string', default: '200' },
  },
})
const { only, json } = values
const runs = Number(values.runs)
const megabytes = Number(values['log-megabytes'])
if (only !== undefined && benches[only] === undefined)
  fail(`expected --only with one of ${names}, got ${only}`)
if (!Number.isInteger(runs) || runs < 1)
  fail(`expected --runs with a number of at least 1, got ${values.runs}`)
if (!Number.isInteger(megabytes) || megabytes < 1)
  fail(`expected --log-megabytes with a number of at least 1, got ${values['log-megabytes']}`)

const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-'))
try {
  const place = createBenchPlace({ folder, logBytes: megabytes * 1e6 })
  const needsMachines = only === undefined || onMachines[only] !== undefined
  const description = await describeHost(needsMachines ? await place.host() : undefined)
  process.stdout.write(`${description}\n\n`)
  const figures: Figure[] = []
  for (const [name, bench] of Object.entries(benches)) {
    if (only !== undefined && only !== name) continue
    process.stderr.write(`${name} ...\n`)
    figures.push(...(await bench(place, runs)))
  }
  process.stdout.write(figureTable(figures))
  if (json !== undefined)
    await writeFile(json, `${JSON.stringify({ host: description, figures }, null, 2)}\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}
