import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'

/** Seconds that a nonce is remembered: as long as sr.ht itself does. */
const remembered = 90 * 86_400

/** Values that may be used once. */
export type NonceLedger = {
  /** Whether this is the first time that it is seen. */
  take(forge: string, nonce: string): Promise<boolean>
}

/** Remembers nonces in Redis for 90 days. */
export function createNonceLedger({ redis, prefix }: { redis: Redis; prefix: string }): NonceLedger {
  return {
    take: async (forge, nonce) => {
      const digest = createHash('sha256').update(nonce).digest('hex').slice(0, 32)
      return (await redis.set(`${prefix}:nonce:${forge}:${digest}`, '1', 'EX', remembered, 'NX')) === 'OK'
    },
  }
}
