import type { BuildJob } from '../../orchestrator/model/build.ts'
import { until } from '../orchestrator/until.ts'
import { oneJob, startWhole, type Whole } from '../orchestrator/whole/whole-server.ts'
import type { BenchPlace } from './bench-place.ts'
import { type Figure, figure } from './figure.ts'

const warmUp = 3
const fewest = 20

/**
 * What the orchestrator itself takes for a job, with a fake machine that takes no time: Redis, git, the job's folder,
 * HTTP and the stand-in of a forge are real. Jobs come one after the other, each of a repository of its own.
 */
export async function jobOverhead(_place: BenchPlace, runs: number): Promise<Figure[]> {
  const whole = await startWhole()
  const jobs: Times[] = []
  try {
    for (let run = -warmUp; run < Math.max(runs, fewest); run++) {
      const times = await onePush(whole, `octo/overhead-${run}`)
      if (run >= 0) jobs.push(times)
    }
  } finally {
    await whole.close()
  }
  const of = (key: keyof Times) => jobs.map((times) => times[key])
  return [
    figure({
      what: 'push answered until its job is in line (git fetch)',
      unit: 'ms',
      samples: of('planned'),
    }),
    figure({
      what: 'job in line until its machine is started (queue, checkout)',
      unit: 'ms',
      samples: of('begun'),
    }),
    figure({ what: 'machine of no time started until the verdict', unit: 'ms', samples: of('run') }),
    figure({
      what: 'job in line until its verdict, machine of no time',
      unit: 'ms',
      target: { atMost: 100 },
      samples: jobs.map(({ begun, run }) => begun + run),
    }),
    figure({
      what: 'verdict until the forge has it',
      unit: 'ms',
      target: { atMost: 50 },
      samples: of('told'),
    }),
  ]
}

/** ms */
type Times = { readonly planned: number; readonly begun: number; readonly run: number; readonly told: number }

async function onePush(whole: Whole, name: string): Promise<Times> {
  const push = await whole.repository(name, { '.mayfly.yml': oneJob })
  const { status, body } = await whole.deliver(push)
  const answered = Date.now()
  if (status !== 202) throw new Error(`expected 202 for a push, got ${status}: ${JSON.stringify(body)}`)
  const build = await whole.verdict(name)
  if (build.state !== 'passed') throw new Error(`expected a build that passed, got ${JSON.stringify(build)}`)
  const answer = await whole.api('GET', `/jobs/${build.jobs[0]?.id}`)
  const job = answer.body as unknown as BuildJob
  const isVerdict = (path: string, state: unknown) => path.includes(`${name}/`) && state === 'success'
  const verdicts = () => whole.forge.received.filter((one) => isVerdict(one.path, one.body.state))
  await until('the forge knows the verdict', () => verdicts().length > 0)
  const [queued, started, ended] = [job.queued, job.started, job.ended].map((time) => Date.parse(time ?? ''))
  const told = Math.min(...verdicts().map(({ at }) => at))
  return {
    planned: number(queued) - answered,
    begun: number(started) - number(queued),
    run: number(ended) - number(started),
    told: told - number(ended),
  }
}

function number(time: number | undefined): number {
  return time ?? Number.NaN
}
