import { setTimeout as sleep } from 'node:timers/promises'
import { HostStopping } from './abort-causes.ts'
import { followLines } from './follow-lines.ts'
import { handleJob } from './handle-job.ts'
import { createRoom } from './room.ts'
import { type QueuedJob, takeLine } from './take-line.ts'
import type { JobTaker, StopBound, TakeOrder, TakeTiming } from './take-order.ts'

const defaults: TakeTiming = {
  lock: 30_000,
  stalledCheck: 30_000,
  stalls: 2,
  hold: 10_000,
  elsewhere: 2000,
  later: 10_000,
  hand: 3000,
  lines: 2000,
}

/** Time for aborted runs to destroy their machines, ms. */
const abortMs = 30_000
/** Between two looks at who stays behind, ms. */
const lookMs = 100

type Run = {
  readonly id: string
  /** Where it came from; absent where it had begun already. */
  readonly line?: string
  readonly done: Promise<void>
  readonly ending: AbortController
}

/**
 * Takes jobs off each line whose labels this host has, one after the other, and runs as many at once as fit. The one whose
 * turn it is waits for its room, so that small jobs don't starve a large one.
 */
export function takeJobs(order: TakeOrder): JobTaker {
  const { capacity, hostName, labels = () => [], queue, log } = order
  const timing = { ...defaults, ...order.timing }
  const room = createRoom(capacity)
  const stopping = new AbortController()
  const runs = new Map<string, Run>()
  const running = new Set<string>()

  for (const { id, need, run } of order.begun ?? []) {
    running.add(id)
    const release = room.occupy(need)
    const ending = new AbortController()
    const done = run(ending.signal).finally(() => {
      runs.delete(id)
      running.delete(id)
      release()
      order.onChange?.()
    })
    runs.set(id, { id, done, ending })
  }

  const handle = async (job: QueuedJob, token: string) => {
    const name = job.id ?? ''
    const { repository } = job.data
    // In the background: should it fail, the lanes are tended now and then.
    if (repository !== undefined)
      queue
        .taken({ line: job.queueName, name, repository })
        .catch((err: unknown) => log.debug({ err, repository }, 'its next job is offered later'))
    if (runs.has(name) && (await order.isOurs?.(job.data.id).catch(() => false))) {
      await job.moveToCompleted(undefined, token, false).catch(() => undefined)
      return
    }
    // Our own run of the same attempt, whose lock was lost, ends before it begins again here.
    await runs.get(name)?.done
    const ending = new AbortController()
    const handled = handleJob({
      ...{ ...order, timing, job, token, room, running },
      stopping: stopping.signal,
      ending: ending.signal,
    })
    const done = handled.done.finally(() => runs.delete(name))
    runs.set(name, { id: job.data.id, line: job.queueName, done, ending })
    await handled.placed
  }
  const untilClear = async () => {
    await room.untilSome(stopping.signal)
    await order.untilClear?.(stopping.signal)
  }
  const lines = followLines({
    ...{ queue, log },
    host: { name: hostName, labels },
    everyMs: timing.lines,
    untilIdle: async (line) => {
      await Promise.all([...runs.values()].filter((run) => run.line === line).map(({ done }) => done))
    },
    take: (line, signal) => takeLine({ ...order, timing, line, untilClear, handle, signal }),
    signal: stopping.signal,
  })

  const finish = async ({ graceMs, staysBehind = () => false }: StopBound) => {
    stopping.abort(new HostStopping('this host is stopping'))
    const ours = () => [...runs.values()].filter(({ id }) => !staysBehind(id))
    const over = new AbortController()
    // A run can come to stay behind at any moment.
    const all = lines.then(async () => {
      while (ours().length > 0 && !over.signal.aborted)
        await Promise.race([Promise.all(ours().map(({ done }) => done)), sleep(lookMs)])
    })
    if (!(await within(graceMs, all))) {
      for (const { ending } of ours()) ending.abort(new HostStopping('this host is stopping'))
      const left = (await within(abortMs, all)) ? [] : ours().map(({ id }) => id)
      if (left.length > 0)
        log.error({ jobs: left }, 'jobs did not end in time: another host takes them later')
    }
    over.abort()
    await (await lines)()
  }
  let stopped: Promise<void> | undefined
  const stop = (bound: StopBound) => {
    stopped ??= finish(bound)
    return stopped
  }
  order.signal?.addEventListener('abort', () => void stop({ graceMs: 0 }), { once: true })
  if (order.signal?.aborted) void stop({ graceMs: 0 })
  return { free: room.free, running: () => [...running], stop }
}

/** Whether the work ended in time. */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController()
  const late = sleep(ms, false, { signal: timer.signal }).catch(() => false)
  const done = await Promise.race([
    work.then(
      () => true,
      () => true,
    ),
    late,
  ])
  timer.abort()
  return done
}
