import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { formatTable } from '../../../orchestrator/command/view/format-table.ts'
import { openBenchHost } from '../bench-host.ts'
import { describeHost } from '../describe-host.ts'
import { oneStart, type StartFigures, type Strategy } from './one-start.ts'

/**
 * `npm run bench:start [-- --runs N] [-- --json FILE]`: the ways a machine can start, one after the other in each
 * round, so that whatever else the host does meets all of them. Each with one, two and eight machines at once.
 */
type Row = {
  readonly what: Strategy
  readonly at_once: number
  readonly figure: keyof StartFigures
  readonly unit: 's' | 'MiB'
  readonly median: number
  readonly min: number
  readonly max: number
  readonly n: number
}

const strategies: readonly Strategy[] = ['cold', 'template']
const crowds = [1, 2, 8]
const figures = ['running', 'ssh', 'first_byte', 'rss', 'pss'] as const

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10' }, json: { type: 'string' } },
})
const runs = Number(values.runs)
if (!Number.isInteger(runs) || runs < 1) {
  process.stderr.write(`expected --runs with a number of at least 1, got ${values.runs}\n`)
  process.exit(2)
}

const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-start-'))
try {
  const bench = await openBenchHost(folder)
  const host = await describeHost(bench)
  process.stdout.write(`${host}\n\n`)
  const data = join(folder, 'data')
  const work = join(folder, 'work')
  await mkdir(work, { recursive: true })
  await mkdir(data, { recursive: true })
  await writeFile(join(work, 'file'), 'a file\n')
  await symlink(join(bench.dataFolder, 'images'), join(data, 'images')).catch(() => undefined)
  await oneStart({ bench, strategy: 'template', id: 'warm-up', work, data })

  const samples = new Map<string, StartFigures[]>()
  for (let round = 0; round < runs; round++) {
    for (const atOnce of crowds) {
      // A crowd gives as many samples as it has members.
      if (round * atOnce >= runs) continue
      for (const strategy of strategies) {
        process.stderr.write(`round ${round + 1}: ${atOnce} x ${strategy} ...\n`)
        const starts = Array.from({ length: atOnce }, (_, index) =>
          oneStart({ bench, strategy, id: `${strategy}-${atOnce}-${round}-${index}`, work, data }),
        )
        const key = `${strategy} ${atOnce}`
        samples.set(key, [...(samples.get(key) ?? []), ...(await Promise.all(starts))])
      }
    }
  }

  const rows = strategies.flatMap((what) =>
    crowds.flatMap((atOnce) =>
      figures.flatMap((name) => rowOf(what, atOnce, name, samples.get(`${what} ${atOnce}`) ?? [])),
    ),
  )
  process.stdout.write(tableOf(rows))
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ host, rows }, null, 2)}\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}

function rowOf(
  what: Strategy,
  atOnce: number,
  name: keyof StartFigures,
  starts: readonly StartFigures[],
): Row[] {
  const isMemory = name === 'rss' || name === 'pss'
  const sorted = starts
    .flatMap((start) => start[name] ?? [])
    .map((value) => (isMemory ? value / 2 ** 20 : value))
    .sort((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) return []
  const middle = (sorted.length - 1) / 2
  const median = ((sorted[Math.floor(middle)] ?? min) + (sorted[Math.ceil(middle)] ?? max)) / 2
  const unit = isMemory ? 'MiB' : 's'
  return [{ what, at_once: atOnce, figure: name, unit, median, min, max, n: sorted.length }]
}

function tableOf(rows: readonly Row[]): string {
  const shown = rows.map(({ what, at_once, figure, unit, median, min, max, n }) => {
    const digits = unit === 's' ? 2 : 0
    const range = `${min.toFixed(digits)}-${max.toFixed(digits)}`
    return [what, String(at_once), figure, `${median.toFixed(digits)} ${unit}`, range, String(n)]
  })
  return formatTable(['START', 'AT ONCE', 'FIGURE', 'MEDIAN', 'RANGE', 'N'], shown)
}
