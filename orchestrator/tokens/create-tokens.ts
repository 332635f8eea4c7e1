import type { Redis } from 'ioredis'
import { ulid } from 'ulid'
import { ConfigError } from '../../config/errors.ts'
import { type Token, type Tokens, tokenScopes } from './token.ts'
import { hashToken, isTokenText, newTokenText } from './token-text.ts'

type Options = {
  readonly redis: Redis
  /** Before every name in Redis, with a colon after it. */
  readonly prefix: string
  readonly now: () => Date
}

type Kept = Omit<Token, 'lastUsed'>

/** Hash of the tokens in Redis. */
export const tokensKey = (prefix: string): string => `${prefix}:tokens`

/** How coarse the time of the last use is: a write to Redis at each request would buy nothing. ms */
const useStep = 10 * 60_000

/**
 * API tokens: two hashes by the token's SHA-256, what it is and when it was last used. A token is found by the hash
 * of all of it, so that how long a look-up takes says nothing about any part of a token.
 */
export function createTokens({ redis, prefix, now }: Options): Tokens {
  const kept = tokensKey(prefix)
  const uses = `${prefix}:token-uses`

  return {
    async make({ name, scopes, expires, text = newTokenText() }) {
      check({ name, scopes, expires, text, now: now() })
      const token: Kept = {
        id: ulid(now().getTime()).toLowerCase(),
        name,
        scopes: tokenScopes.filter((scope) => scopes.includes(scope)),
        created: now().toISOString(),
        expires: expires === undefined ? undefined : new Date(expires).toISOString(),
      }
      await redis.hset(kept, hashToken(text), JSON.stringify(token))
      return { token: { ...token, lastUsed: undefined }, text }
    },
    async verify(text) {
      if (!isTokenText(text)) return undefined
      const hash = hashToken(text)
      const [found, used] = await Promise.all([redis.hget(kept, hash), redis.hget(uses, hash)])
      const token = found === null ? undefined : (JSON.parse(found) as Kept)
      const time = now().getTime()
      if (token === undefined || isOver(token, time)) return undefined
      if (used === null || Date.parse(used) <= time - useStep) {
        await redis.hset(uses, hash, new Date(time - (time % useStep)).toISOString())
      }
      return { id: token.id, name: token.name, scopes: token.scopes }
    },
    async list() {
      const [tokens, used] = await Promise.all([redis.hgetall(kept), redis.hgetall(uses)])
      return Object.entries(tokens)
        .map(([hash, value]): Token => {
          const token = JSON.parse(value) as Kept
          return { ...token, expires: token.expires, lastUsed: used[hash] }
        })
        .sort((a, b) => (a.id < b.id ? -1 : 1))
    },
    async revoke(id) {
      const tokens = await redis.hgetall(kept)
      const hash = Object.keys(tokens).find((key) => (JSON.parse(tokens[key] ?? '{}') as Kept).id === id)
      if (hash === undefined) return false
      await redis.hdel(uses, hash)
      return (await redis.hdel(kept, hash)) > 0
    },
  }
}

function isOver({ expires }: Kept, time: number): boolean {
  return expires !== undefined && Date.parse(expires) <= time
}

function check(request: {
  name: string
  scopes: readonly string[]
  expires: string | undefined
  text: string
  now: Date
}): void {
  const { name, scopes, expires, text, now } = request
  if (!/^[^\p{Cc}\p{Zl}\p{Zp}]{1,100}$/u.test(name)) {
    throw new ConfigError('expected a name of 1 to 100 characters for the token, such as who or what uses it')
  }
  const unknown = scopes.find((scope) => !(tokenScopes as readonly string[]).includes(scope))
  if (scopes.length === 0 || unknown !== undefined) {
    const found = unknown === undefined ? 'none' : JSON.stringify(unknown.slice(0, 60))
    throw new ConfigError(`expected scopes out of ${tokenScopes.join(', ')}, got ${found}`)
  }
  if (expires !== undefined && !(Date.parse(expires) > now.getTime())) {
    throw new ConfigError(
      `expected a time in the future for the token to end at, got ${JSON.stringify(expires.slice(0, 60))}`,
      { hint: 'Write it as 2030-01-31 or 2030-01-31T12:00:00Z, or leave it out.' },
    )
  }
  if (!isTokenText(text))
    throw new ConfigError('expected a token, which starts with mfy_, got something else')
}
