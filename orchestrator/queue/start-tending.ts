import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { createSoleTask } from '../redis/sole-task.ts'
import type { JobQueue } from './job-queue.ts'

type Options = {
  readonly redis: Redis
  readonly prefix: string
  readonly queue: Pick<JobQueue, 'tend'>
  readonly log: Logger
  /** ms between two rounds @defaultValue 5 s */
  readonly everyMs?: number
}

/** Has one process of an installation tend the lines, again and again, until it is closed. */
export function startTending({ redis, prefix, queue, log, everyMs = 5000 }: Options): {
  close(): Promise<void>
} {
  const task = createSoleTask({
    ...{ redis, key: `${prefix}:tending`, holder: randomUUID(), everyMs },
    work: () => queue.tend(),
  })
  let round: Promise<void> | undefined
  const timer = setInterval(() => {
    round ??= task
      .run()
      .catch((err: unknown) => log.warn({ err }, 'the line could not be tended'))
      .finally(() => {
        round = undefined
      })
  }, everyMs)
  return {
    close: async () => {
      clearInterval(timer)
      await round
      await task.close()
    },
  }
}
