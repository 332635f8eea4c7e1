import type { BuildJob } from '../model/build.ts'

type Waiting = Pick<BuildJob, 'id' | 'attempt' | 'queued'>

/** How long jobs have waited, by a clock that nobody sets: it counts on from what the wall clock said at first sight. */
export type WaitTimes = {
  /** Those of the jobs that wait for longer than `ms`; what is not among the jobs is forgotten. */
  beyond<J extends Waiting>(ms: number, jobs: readonly J[]): J[]
}

type Clocks = {
  readonly now: () => Date
  /** Milliseconds that no clock's setting changes. @defaultValue performance.now */
  readonly monotonic?: () => number
}

export function createWaitTimes({ now, monotonic = () => performance.now() }: Clocks): WaitTimes {
  let began = new Map<string, number>()
  return {
    beyond: (ms, jobs) => {
      const known = began
      began = new Map(
        jobs.map((job) => {
          const name = `${job.id} ${job.attempt}`
          const age = job.queued === undefined ? 0 : Math.max(0, now().getTime() - Date.parse(job.queued))
          return [name, known.get(name) ?? monotonic() - age]
        }),
      )
      return jobs.filter(({ id, attempt }) => monotonic() - (began.get(`${id} ${attempt}`) ?? 0) > ms)
    },
  }
}
