import type { Queue } from 'bullmq'

/** Sees that jobs which BullMQ keeps for later come back in time, for it goes by the wall clock. */
export type PromoteLate = () => Promise<void>

type Options = {
  readonly queue: Pick<Queue, 'getDelayed'>
  /** Milliseconds that no clock's setting changes. @defaultValue performance.now */
  readonly monotonic?: (() => number) | undefined
  /** ms that a job may be late by itself. @defaultValue 5 s */
  readonly slack?: number
}

/** Jobs of one queue that are looked at; those to come first. */
const most = 1000

/**
 * Gives what is to be called now and then: it brings back jobs that wait for longer than they were to, by a clock that
 * nobody sets. A wall clock that was set back a day would otherwise have them wait for that day.
 */
export function createPromoteLate({
  queue,
  monotonic = () => performance.now(),
  slack = 5000,
}: Options): PromoteLate {
  let due = new Map<string, number>()
  return async () => {
    const delayed = await queue.getDelayed(0, most - 1)
    const known = due
    due = new Map()
    for (const job of delayed) {
      // The same job is kept for later anew after each try.
      const name = `${job.id} ${job.timestamp} ${job.delay} ${job.attemptsStarted}`
      const at = known.get(name) ?? monotonic() + job.delay
      due.set(name, at)
      // It may just have come back by itself.
      if (monotonic() > at + slack) await job.promote().catch(() => undefined)
    }
  }
}
