import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parsePipeline } from '../../../config/pipeline/parse-pipeline.ts'
import { runJob } from '../../../runner/job/run-job.ts'
import { directorySource } from '../../../runner/source/directory-source.ts'
import { startOnHost } from '../../../runner/start-on-host.ts'
import type { BenchHost } from '../bench-host.ts'

export type Strategy = 'cold' | 'template'

/** Of one machine's start, seconds and bytes; each counted from the moment the job was taken. */
export type StartFigures = {
  /** Until the guest ran; only a clone has such a moment. */
  readonly running: number | undefined
  /** Until a login had read the machine's nonce. */
  readonly ssh: number
  /** Until the first byte of the first step. */
  readonly first_byte: number
  /** Memory of QEMU then. */
  readonly rss: number
  /** The same, pages that it shares with others divided by their number. */
  readonly pss: number
}

const pipeline = 'network: none\nsteps:\n  - run: echo here; sleep 1\n'

type OneStart = { bench: BenchHost; strategy: Strategy; id: string; work: string; data: string }

/** Runs a job of one step and looks at its machine when that step begins to speak. */
export async function oneStart({ bench, strategy, id, work, data }: OneStart): Promise<StartFigures> {
  const [job] = parsePipeline({ file: 'start.yml', text: pipeline }).jobs
  if (job === undefined) throw new Error('expected a job')
  const host = { ...bench.host, templates: { ...bench.host.templates, use: strategy === 'template' } }
  const startMachine = startOnHost({ host, dataFolder: data })
  const started = performance.now()
  const since = () => (performance.now() - started) / 1000
  const gates: Record<string, number> = {}
  let firstByte: number | undefined
  let memory: Promise<{ rss: number; pss: number }> | undefined
  let pid: number | undefined
  const record = await runJob({
    job,
    context: { jobId: id, buildId: id, repo: '', ref: '', sha: '', event: 'manual' },
    secrets: {},
    host,
    dataFolder: data,
    source: directorySource({ directory: work, limits: { bytes: 2 ** 20 } }),
    ensureImage: async () => bench.image,
    startMachine,
    signal: new AbortController().signal,
    onImageProgress: () => undefined,
    onEvent: (event) => {
      if (event.type === 'gate') gates[event.name] = since()
      if (event.type === 'machine') pid = event.facts.pid
      if (event.type !== 'log' || event.step !== 0 || firstByte !== undefined) return
      firstByte = since()
      memory = memoryOf(pid)
    },
  })
  if (record.verdict !== 'passed' || record.machine?.strategy !== strategy) {
    throw new Error(
      `expected a job that passes on a machine from ${strategy}, got ${JSON.stringify(record, null, 2)}`,
    )
  }
  const { rss, pss } = (await memory) ?? { rss: Number.NaN, pss: Number.NaN }
  return {
    running: gates.restore,
    ssh: gates.nonce ?? Number.NaN,
    first_byte: firstByte ?? Number.NaN,
    rss,
    pss,
  }
}

/** proc_pid_smaps(5): `smaps_rollup` adds up all mappings; KiB there, bytes here. */
async function memoryOf(pid: number | undefined): Promise<{ rss: number; pss: number }> {
  const text = await readFile(join('/proc', String(pid), 'smaps_rollup'), 'latin1')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024
  return { rss: field('Rss'), pss: field('Pss') }
}
