import type { Redis } from 'ioredis'

/** A repository whose maintainers may walk into the machines of its failed jobs. */
export type OptIn = {
  /** Whose word that was, and when: name of a token, ISO 8601. */
  readonly by: string
  readonly at: string
  /** Who may enter: OpenSSH public keys, one line each. */
  readonly keys: readonly DebugKey[]
  /** Users of the repository's forge, with the keys that it gave when it was last asked. */
  readonly users?: readonly ForgeUser[]
}

/** `keys`: `TYPE BASE64`. `read`: ISO 8601. */
export type ForgeUser = { readonly name: string; readonly read: string; readonly keys: readonly string[] }

export type DebugKey = { readonly who: string; readonly publicKey: string }

export type OptIns = {
  get(repository: string): Promise<OptIn | undefined>
  put(repository: string, optIn: OptIn): Promise<void>
  /** Only where it is still what was read before: false where somebody changed or ended it meanwhile. */
  replace(repository: string, before: OptIn, after: OptIn): Promise<boolean>
  /** False where it was not opted in. */
  remove(repository: string): Promise<boolean>
}

/** Hash of the opt-ins in Redis. */
export const optInsKey = (prefix: string): string => `${prefix}:debug-opt-ins`

/** Which repositories are opted in to debug SSH, by their key: one hash in Redis, apart from what their admins change. */
export function createOptIns({ redis, prefix }: { redis: Redis; prefix: string }): OptIns {
  const name = optInsKey(prefix)
  return {
    async get(repository) {
      const found = await redis.hget(name, repository)
      return found === null ? undefined : (JSON.parse(found) as OptIn)
    },
    async put(repository, optIn) {
      await redis.hset(name, repository, JSON.stringify(optIn))
    },
    async replace(repository, before, after) {
      const texts = [before, after].map((optIn) => JSON.stringify(optIn))
      return (await redis.eval(replaceScript, 1, name, repository, ...texts)) === 1
    },
    async remove(repository) {
      return (await redis.hdel(name, repository)) > 0
    },
  }
}

const replaceScript = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1`

/** Everybody who may enter, each key with its name. */
export function debugKeys({ keys, users = [] }: OptIn): DebugKey[] {
  const ofUsers = users.flatMap((user) => user.keys.map((publicKey) => ({ who: user.name, publicKey })))
  return [...keys, ...ofUsers]
}
