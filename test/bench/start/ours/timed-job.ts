import { parsePipeline } from '../../../../config/pipeline/parse-pipeline.ts'
import type { JobOrder } from '../../../../runner/job/job-order.ts'
import type { JobRecord } from '../../../../runner/job/job-record.ts'
import { runJob } from '../../../../runner/job/run-job.ts'
import { directorySource } from '../../../../runner/source/directory-source.ts'
import type { StartFigures, StartPlace } from '../contender.ts'
import { qemuMemory } from '../qemu-memory.ts'

type TimedJob = Pick<JobOrder, 'host' | 'startMachine' | 'setupAccess'> & {
  readonly place: StartPlace
  readonly id: string
  /** What runs before the step. @defaultValue '' */
  readonly setup?: string
}

/** Runs a job of one step, counts from when it was taken, and looks at its machine when that step begins to speak. */
export async function timedJob({ place, id, setup = '', ...order }: TimedJob) {
  const { bench, data, work } = place
  const text = `network: none\n${setup}steps:\n  - run: echo here; sleep 1\n`
  const [job] = parsePipeline({ file: 'start.yml', text }).jobs
  if (job === undefined) throw new Error('expected a job')
  const began = performance.now()
  const since = () => (performance.now() - began) / 1000
  const gates: Record<string, number> = {}
  let firstByte: number | undefined
  let memory: ReturnType<typeof qemuMemory> | undefined
  let pid: number | undefined
  const record = await runJob({
    ...order,
    job,
    context: { jobId: id, buildId: id, repo: '', ref: '', sha: '', event: 'manual' },
    secrets: {},
    dataFolder: data,
    source: directorySource({ directory: work, limits: { bytes: 2 ** 20 } }),
    ensureImage: async () => bench.image,
    signal: new AbortController().signal,
    onImageProgress: () => undefined,
    onEvent: (event) => {
      if (event.type === 'gate') gates[event.name] = since()
      if (event.type === 'machine') pid = event.facts.pid
      if (event.type !== 'log' || event.step !== job.setup.length || firstByte !== undefined) return
      firstByte = since()
      memory = qemuMemory(pid)
    },
  })
  return { record, figures: await figuresOf() }

  async function figuresOf(): Promise<StartFigures> {
    return {
      running: gates.restore,
      // A machine of a pool is logged in already: the login is there when the machine is.
      ssh: gates.nonce ?? gates.take,
      first_byte: firstByte ?? Number.NaN,
      ...(await memory),
    }
  }
}

/** @throws where the job did not pass, or its machine came some other way: then its figures are of something else */
export function expectStart(record: JobRecord, strategy: string): void {
  if (record.verdict === 'passed' && record.machine?.strategy === strategy) return
  throw new Error(
    `expected a job that passes on a machine from ${strategy}, got ${JSON.stringify(record, null, 2)}`,
  )
}
