import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { type JobIds, jobIdOf, queueId, queueName } from './queue-names.ts'

export type JobQueue = {
  /** Puts a job in line; a second time for the same attempt does nothing. Payload is ids only. */
  add(job: { id: string; attempt: number; priority: number }): Promise<void>
  /** Takes a waiting job out of line; false where it was not there any more. */
  remove(job: { id: string; attempt: number }): Promise<boolean>
  /** Ids of waiting jobs, first in line first. */
  waiting(limit: number): Promise<string[]>
  close(): Promise<void>
}

/** The largest number that BullMQ takes; what is larger is as late. */
const lastPriority = 2 ** 21 - 1

/**
 * How often a run may end with an error of our own before the job counts as poison. Waiting in between, in
 * milliseconds, doubles.
 */
const tries = { attempts: 3, backoff: { type: 'exponential', delay: 1000 } } as const

const waitingStates: ReadonlySet<string> = new Set(['waiting', 'prioritized', 'delayed'])

/** The line of jobs on BullMQ. The connection stays the caller's. */
export function createJobQueue({ connection, prefix }: { connection: Redis; prefix: string }): JobQueue {
  const queue = new Queue<JobIds, void, 'job'>(queueName, {
    connection,
    prefix,
    // The store remembers jobs; the queue only those that are in it. No stack of ours goes into Redis.
    defaultJobOptions: { ...tries, removeOnComplete: true, removeOnFail: true, stackTraceLimit: 0 },
  })
  // The connection's owner hears of its errors; without a listener they would end the process.
  queue.on('error', () => undefined)
  return {
    add: async ({ id, attempt, priority }) => {
      const place = Math.min(Math.max(0, Math.round(priority)), lastPriority)
      await queue.add('job', { id, attempt }, { jobId: queueId({ id, attempt }), priority: place })
    },
    remove: async (job) => {
      const name = queueId(job)
      // BullMQ calls it a success when there is nothing to remove, and refuses what somebody works on.
      const state = await queue.getJobState(name)
      return waitingStates.has(state) && (await queue.remove(name)) === 1
    },
    waiting: async (limit) => {
      if (limit <= 0) return []
      // In the order in which BullMQ takes them: priority 0, then the others, then those that pause after a failure.
      const names = await queue.getRanges(['wait', 'prioritized', 'delayed'], 0, limit - 1, true)
      return names.slice(0, limit).map(jobIdOf)
    },
    close: () => queue.close(),
  }
}
