import type { Redis } from 'ioredis'
import { prefix } from './open-installation.ts'

/** What is left in line, locked or announced when nothing is to be done any more and every host has gone. */
export async function keysLeft(redis: Redis): Promise<string[]> {
  const keys = await redis.keys(`${prefix}:*`)
  const ofQueue = keys.filter((key) =>
    /:jobs[^:]*:(.*:lock|active|wait|prioritized|delayed|stalled)$/.test(key),
  )
  return ofQueue.sort()
}
