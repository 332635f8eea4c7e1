import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { runParent } from '../../runner/machine/filenames.ts'

/** Every on-disk name of the embedded Redis. All paths are absolute. */
export type RedisPaths = {
  /** `<data>/redis`, with the append-only files. */
  readonly folder: string
  readonly config: string
  /** Which process it is and where it listens. */
  readonly record: string
  /** Held by the process that supervises it. */
  readonly lock: string
  /** Holds the socket and lies in a short place. */
  readonly runFolder: string
  readonly socket: string
}

type RedisPlace = {
  readonly dataFolder: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly uid: number
}

/** Where the Redis of a data folder keeps its files; the same for each process that asks. */
export function redisPaths({ dataFolder, env, uid }: RedisPlace): RedisPaths {
  const folder = join(resolve(dataFolder), 'redis')
  const id = `redis-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`
  const runFolder = join(runParent({ id, env, uid }), id)
  return {
    folder,
    config: join(folder, 'redis.conf'),
    record: join(folder, 'redis.json'),
    lock: join(folder, 'supervisor.lock'),
    runFolder,
    socket: join(runFolder, 'redis.sock'),
  }
}
