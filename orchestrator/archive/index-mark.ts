import type { Redis } from 'ioredis'

/** A key that is there as long as nobody emptied Redis: set once the index has all that the archive has. */
export const indexKeyOf = (prefix: string): string => `${prefix}:index`

type Place = { readonly redis: Redis; readonly prefix: string }

export async function isIndexMarked({ redis, prefix }: Place): Promise<boolean> {
  return (await redis.exists(indexKeyOf(prefix))) === 1
}

export async function markIndex({ redis, prefix }: Place, at: Date): Promise<void> {
  await redis.set(indexKeyOf(prefix), at.toISOString(), 'NX')
}
