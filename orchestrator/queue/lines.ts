import { randomUUID } from 'node:crypto'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { createPromoteLate, type PromoteLate } from './promote-late.ts'
import { type Entry, type JobIds, lockNames } from './queue-names.ts'

/** The BullMQ queues of all lines, each made when it is first needed. */
export type Lines = {
  of(line: string): Queue<JobIds, void, 'job'>
  /** Brings back those that were put off for longer than they were to. */
  promoteLate(line: string): Promise<void>
  /** Whether a job waits to be taken. */
  isWaiting(entry: Entry): Promise<boolean>
  /** Whether it waits or somebody has it. */
  isKnown(entry: Entry): Promise<boolean>
  /** Takes out a job that waits; false where there is none. */
  withdraw(entry: Entry): Promise<boolean>
  /** Takes out a job, also from whoever has it; nothing is no error. */
  expel(entry: Entry): Promise<void>
  /** BullMQ's names of waiting jobs, first in line first. */
  waiting(line: string, limit: number): Promise<string[]>
  /** BullMQ's names of jobs that somebody took, the earliest first. */
  active(line: string): Promise<string[]>
  /** BullMQ's names of jobs that somebody took and whose lock has run out. */
  unlocked(line: string, limit: number): Promise<string[]>
  /** Whether nobody waits in it and no host has a job of it. */
  isEmpty(line: string): Promise<boolean>
  close(): Promise<void>
}

/**
 * How often a run may end with an error of our own before the job counts as poison. Waiting in between, in
 * milliseconds, doubles.
 */
const tries = { attempts: 3, backoff: { type: 'exponential', delay: 1000 } } as const

const waitingStates: ReadonlySet<string> = new Set(['waiting', 'prioritized', 'delayed'])

/** Longer than taking a job out of line takes. */
const expelMs = 30_000

/** The connection stays the caller's. */
export function createLines({ connection, prefix }: { connection: Redis; prefix: string }): Lines {
  const opened = new Map<string, { queue: Queue<JobIds, void, 'job'>; promoteLate: PromoteLate }>()
  const open = (line: string) => {
    const known = opened.get(line)
    if (known !== undefined) return known
    const queue = new Queue<JobIds, void, 'job'>(line, {
      connection,
      prefix,
      // The store remembers jobs; the queue only those that are in it. No stack of ours goes into Redis.
      defaultJobOptions: { ...tries, removeOnComplete: true, removeOnFail: true, stackTraceLimit: 0 },
    })
    // The connection's owner hears of its errors; without a listener they would end the process.
    queue.on('error', () => undefined)
    const made = { queue, promoteLate: createPromoteLate({ queue }) }
    opened.set(line, made)
    return made
  }
  const stateOf = ({ line, name }: Entry) => open(line).queue.getJobState(name)
  const isWaiting = async (entry: Entry) => waitingStates.has(await stateOf(entry))
  return {
    isWaiting,
    isKnown: async (entry) => (await stateOf(entry)) !== 'unknown',
    // BullMQ calls it a success when there is nothing to remove, and refuses what somebody works on.
    withdraw: async (entry) =>
      (await isWaiting(entry)) && (await open(entry.line).queue.remove(entry.name)) === 1,
    expel: async (entry) => {
      const { queue } = open(entry.line)
      const job = await queue.getJob(entry.name)
      if (job === undefined) return
      if (await job.isActive()) {
        const token = randomUUID()
        await connection.set(lockNames(prefix, entry).lock, token, 'PX', expelMs)
        await job.moveToCompleted(undefined, token, false)
      } else await queue.remove(entry.name)
    },
    of: (line) => open(line).queue,
    promoteLate: (line) => open(line).promoteLate(),
    waiting: async (line, limit) => {
      // In the order in which BullMQ takes them: priority 0, then the others, then those that pause after a failure.
      const names = await open(line).queue.getRanges(['wait', 'prioritized', 'delayed'], 0, limit - 1, true)
      return names.slice(0, limit)
    },
    active: (line) => open(line).queue.getRanges(['active'], 0, -1, true),
    unlocked: async (line, limit) => {
      const names = await open(line).queue.getRanges(['active'], 0, limit - 1, true)
      const locked = await Promise.all(
        names.map((name) => connection.exists(lockNames(prefix, { line, name }).lock)),
      )
      return names.filter((_, index) => locked[index] === 0)
    },
    isEmpty: async (line) =>
      (await open(line).queue.getJobCountByTypes('wait', 'prioritized', 'delayed', 'active')) === 0,
    close: async () => {
      await Promise.all([...opened.values()].map(({ queue }) => queue.close()))
    },
  }
}
