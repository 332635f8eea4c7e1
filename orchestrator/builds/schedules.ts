import { Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { type Repository, repositoryKey, type Schedule } from '../model/repository.ts'
import { workerLocks } from '../redis/worker-locks.ts'
import { runSchedule, type ScheduleParts } from './run-schedule.ts'
import { scheduleId } from './schedule-id.ts'

/** Builds that start by the clock. Any number of processes may serve one installation: each time is worked on once. */
export type Schedules = {
  /**
   * Makes the clock follow the registered repositories; for the start, and after each change of one. Gives what is
   * wrong with schedules, each as a sentence; the others serve.
   */
  sync(): Promise<string[]>
  /** Takes no more, and waits for what is under way. */
  close(): Promise<void>
}

export type CreateSchedules = ScheduleParts & {
  /** With `maxRetriesPerRequest: null`. Left open by `close`. */
  readonly connection: Redis
  readonly prefix: string
}

type Data = { repository: string; schedule: Schedule }

const queueName = 'schedules'
/** Tries at a build whose making failed for no fault of its own, about six minutes in all. */
const attempts = 8

export function createSchedules({ connection, prefix, ...parts }: CreateSchedules): Schedules {
  const { store, log } = parts
  const queue = new Queue<Data>(queueName, { connection, prefix })
  const worker = new Worker<Data>(
    queueName,
    async ({ id = '', data, timestamp }) => await runSchedule(parts, { ...data, at: timestamp, id }),
    // The same occasion makes the same build, so that it may be taken up again however often its worker died.
    { connection, prefix, concurrency: 4, ...workerLocks, maxStalledCount: 1_000_000 },
  )
  queue.on('error', (err) => log.warn({ err }, 'the queue of schedules met an error'))
  worker.on('error', (err) => log.warn({ err }, 'the worker of schedules met an error'))
  return {
    sync: async () => {
      // Before the repositories: one that another process has just added is then in both, and not removed.
      const known = await queue.getJobSchedulers()
      const wanted = new Map((await store.repositories.list()).flatMap(schedulesOf))
      for (const { key } of known) {
        // One that is there keeps its next time, which may have come while nothing was running.
        if (!wanted.delete(key)) await queue.removeJobScheduler(key)
      }
      const problems = await Promise.all([...wanted].map(([id, data]) => put(queue, id, data)))
      return problems.filter((problem) => problem !== undefined)
    },
    close: async () => {
      await worker.close()
      await queue.close()
    },
  }
}

function schedulesOf(repository: Repository): [string, Data][] {
  const key = repositoryKey(repository)
  return (repository.schedules ?? []).map((schedule) => [
    scheduleId(key, schedule),
    { repository: key, schedule },
  ])
}

async function put(queue: Queue<Data>, id: string, data: Data): Promise<string | undefined> {
  const { cron, branch } = data.schedule
  try {
    await queue.upsertJobScheduler(
      id,
      { pattern: cron, tz: 'UTC' },
      {
        name: 'schedule',
        data,
        opts: {
          attempts,
          backoff: { type: 'exponential', delay: 3000 },
          removeOnComplete: true,
          removeOnFail: true,
        },
      },
    )
    return undefined
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return `${data.repository}: schedule ${JSON.stringify(cron)} of ${branch}: ${message}`
  }
}
