import type { Redis } from 'ioredis'

/** A repository whose maintainers may walk into the machines of its failed jobs. */
export type OptIn = {
  /** Whose word that was, and when: name of a token, ISO 8601. */
  readonly by: string
  readonly at: string
  /** Who may enter: OpenSSH public keys, one line each. */
  readonly keys: readonly DebugKey[]
}

export type DebugKey = { readonly who: string; readonly publicKey: string }

export type OptIns = {
  get(repository: string): Promise<OptIn | undefined>
  put(repository: string, optIn: OptIn): Promise<void>
  /** False where it was not opted in. */
  remove(repository: string): Promise<boolean>
}

/** Which repositories are opted in to debug SSH, by their key: one hash in Redis, apart from what their admins change. */
export function createOptIns({ redis, prefix }: { redis: Redis; prefix: string }): OptIns {
  const name = `${prefix}:debug-opt-ins`
  return {
    async get(repository) {
      const found = await redis.hget(name, repository)
      return found === null ? undefined : (JSON.parse(found) as OptIn)
    },
    async put(repository, optIn) {
      await redis.hset(name, repository, JSON.stringify(optIn))
    },
    async remove(repository) {
      return (await redis.hdel(name, repository)) > 0
    },
  }
}
