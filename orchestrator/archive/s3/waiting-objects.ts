import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { monotonicFactory } from 'ulid'
import { writeFileAtomic } from '../../../images/atomic-file.ts'
import { withLock } from '../../../images/lock.ts'
import { timeLimit } from '../../../runner/time-limit.ts'
import type { ObjectStore } from './object-store.ts'
import { repeatedly } from './repeatedly.ts'
import { createWaitingIndex, type Waiting } from './waiting-index.ts'

/** Small objects on their way to the bucket: there at once, or on this host's disk until the bucket takes them. */
export type WaitingObjects = {
  /** Durable, in the bucket or on this host, when it resolves. Objects of this host come there in this order. */
  put(key: string, body: string): Promise<void>
  /** As this host put it last, where that is not in the bucket yet. */
  get(key: string): Promise<string | undefined>
  /** Keys that begin so and wait here. */
  keys(start: string): Promise<string[]>
  /** How many wait here. */
  count(): Promise<number>
  /** Does not bring what waits below such a key any more. */
  drop(start: string): Promise<void>
  /** Brings what waits; @throws what the bucket throws, with the rest kept */
  deliver(): Promise<void>
  /** Tries to bring what waits, again and again, until it is closed. */
  start(): { close(): Promise<void> }
}

type Options = {
  readonly store: Pick<ObjectStore, 'put'>
  /** Made when it is needed; processes of this host may share it. */
  readonly folder: string
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly times?: {
    /** ms that whoever puts waits for the bucket. @defaultValue 5 s */
    readonly patience: number
    /** ms between two tries to bring what waits. @defaultValue 2 s */
    readonly every: number
  }
  /** Reads a file of the folder. @defaultValue that of Node.js */
  readonly readText?: (path: string) => Promise<string>
}

export function createWaitingObjects(options: Options): WaitingObjects {
  const { store, folder, log, times = { patience: 5000, every: 2000 } } = options
  const nextId = monotonicFactory()
  const never = new AbortController().signal
  const index = createWaitingIndex({ folder, readText: options.readText })
  const keep = async (waiting: Waiting) => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFileAtomic(join(folder, `${nextId()}.json`), JSON.stringify(waiting), 0o600)
  }
  const deliver = async () => {
    if ((await index.names()).length === 0) return
    await withLock({ path: join(folder, 'lock'), signal: never }, async () => {
      for (const name of await index.names()) {
        const waiting = await index.read(name)
        if (waiting !== undefined) await store.put(waiting.key, waiting.body)
        await rm(join(folder, name), { force: true })
      }
    })
    log.info('everything that waited for the bucket is there')
  }

  return {
    put: async (key, body) => {
      // Behind what waits, so that an older body never comes after a newer one, and nobody waits for a bucket that is away.
      if ((await index.names()).length > 0) return await keep({ key, body })
      const limit = timeLimit(never, times.patience)
      try {
        await store.put(key, body, limit.signal)
      } catch (err) {
        await keep({ key, body })
        log.warn({ err, key }, 'the bucket did not take an object: it waits on this host')
      } finally {
        limit.clear()
      }
    },
    get: async (key) => {
      const newest = (await index.list()).findLast((waiting) => waiting.key === key)
      return newest && (await index.read(newest.name))?.body
    },
    keys: async (start) => (await index.list()).map(({ key }) => key).filter((key) => key.startsWith(start)),
    count: async () => (await index.names()).length,
    drop: async (start) => {
      for (const { name, key } of await index.list())
        if (key.startsWith(start)) await rm(join(folder, name), { force: true })
    },
    deliver,
    start: () =>
      repeatedly(
        () => deliver().catch((err: unknown) => log.warn({ err }, 'the bucket takes nothing yet')),
        times.every,
      ),
  }
}
