import type { Redis } from 'ioredis'

/** List in Redis that holds the books. */
export const booksKey = 'fleet:books'

/** One line of the books, as JSON: a job came to a state, or its steps ran to their end. */
export type BookLine = {
  readonly id: string
  /** As in `BuildJob`; `ran` is no state of it. */
  readonly state: string
  readonly attempt: number
  /** The host that has it, or had it last. */
  readonly host?: string | undefined
  /** Why it ended so, if the product says why. */
  readonly reason?: string | undefined
  /** ms since 1970 by the clock of Redis */
  readonly at: number
}

/**
 * Has Redis write down each change of a job's state in the same step in which it makes the change, so that none is
 * written down that was not made, and none made that is not written down. To be called before a store uses the client.
 */
export function withBooks(redis: Redis, jobsIndex: string): Redis {
  const define = redis.defineCommand.bind(redis)
  redis.defineCommand = (name, definition) =>
    define(
      name,
      name === 'mayflyChange' ? { ...definition, lua: noting(definition.lua, jobsIndex) } : definition,
    )
  return redis
}

/** Writes down that the steps of an attempt ran to their end, before its verdict is known. */
export async function noteRun(
  redis: Redis,
  { id, attempt }: Pick<BookLine, 'id' | 'attempt'>,
): Promise<void> {
  const line: BookLine = { id, attempt, state: 'ran', at: Date.now() }
  await redis.rpush(booksKey, JSON.stringify(line))
}

function noting(lua: string, jobsIndex: string): string {
  return `
local function change()
${lua}
end
local wanted = cjson.decode(ARGV[1])
local isNews = wanted.index == '${jobsIndex}' and wanted.set.state
  and redis.call('HGET', wanted.key, '.write') ~= wanted.write
local answer = change()
if answer and isNews then
  local time = redis.call('TIME')
  redis.call('RPUSH', '${booksKey}', cjson.encode({
    id = wanted.id,
    state = cjson.decode(wanted.set.state),
    attempt = tonumber(redis.call('HGET', wanted.key, 'attempt')),
    reason = wanted.set.reason and cjson.decode(wanted.set.reason),
    host = cjson.decode(redis.call('HGET', wanted.key, 'host') or 'null'),
    at = time[1] * 1000 + math.floor(time[2] / 1000),
  }))
end
return answer
`
}
