import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { type JobIds, jobIdOf, queueId, queueName } from './queue-names.ts'

export type JobQueue = {
  /** Puts a job in line; a second time for the same attempt does nothing. Payload is ids only. */
  add(job: { id: string; attempt: number; priority: number }): Promise<void>
  /**
   * Puts a job in line before all of its priority, for one that had been next and was kept from running; false, and
   * nothing done, where it is in line or a host looks at it.
   */
  addAhead(job: { id: string; attempt: number; priority: number }): Promise<boolean>
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
  const put = (job: JobIds & { priority: number }) =>
    queue.add('job', { id: job.id, attempt: job.attempt }, { jobId: queueId(job), priority: placeOf(job) })
  return {
    add: async (job) => {
      await put(job)
    },
    addAhead: async (job) => {
      if ((await queue.getJobState(queueId(job))) !== 'unknown') return false
      await (await put(job)).changePriority({ priority: placeOf(job), lifo: true })
      return true
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

function placeOf({ priority }: { priority: number }): number {
  return Math.min(Math.max(0, Math.round(priority)), lastPriority)
}
