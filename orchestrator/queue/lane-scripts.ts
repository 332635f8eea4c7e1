import type { Redis } from 'ioredis'

/*
 * Who is next, by start-time fair queueing. In each line every repository has a lane, its waiting jobs by priority and
 * age, and at most one of them is offered: BullMQ has it, and hosts take what is offered first by its tag. A tag is the
 * virtual time at which a job may begin: not before that of the job taken last, nor before its repository has waited off
 * what its jobs before cost, which is cpus times how long they usually take, divided by its weight. So whoever floods a
 * line comes to its turn as often as its weight says and no more, and whoever did not use theirs has saved nothing.
 *
 * Each script may come twice, as ioredis sends a command again whose answer was lost.
 */

/** Cost of a second on one cpu. Tags are whole numbers in BullMQ, so short jobs need something finer than seconds. */
const secondCost = 10
/** Seconds that jobs are taken to last where nothing is known. */
const unknownSeconds = 60
/** The largest that BullMQ takes; what is larger is as late. */
const lastPlace = 2 ** 21 - 1
/** Tags count from a base that follows them, before they leave what BullMQ takes. */
const rebaseAt = 2 ** 20
/** Jobs of one priority that can be told apart by their age. */
const ages = 2 ** 39

const common = `
local function names(start)
  return start .. 'offered', start .. 'shares', start .. 'clock', start .. 'times'
end
local offered, shares, clock, times = names(KEYS[1])
local repository = ARGV[1]
local lane = KEYS[1] .. 'lane:' .. repository

local function exact(number) return string.format('%.17g', number) end
local function counted(field) return tonumber(redis.call('HGET', clock, field) or '0') end

local function offer_of(text)
  local name, cpus, score, tag = string.match(text, '^(%S+) (%S+) (%S+) (%S+)$')
  return { name = name, cpus = cpus, score = tonumber(score), tag = tonumber(tag) }
end

local function standing()
  local text = redis.call('HGET', offered, repository)
  return text and offer_of(text)
end

local function place(tag)
  return math.max(1, math.min(${lastPlace}, math.floor(tag - counted('base') + 1.5)))
end

local function tidy()
  if counted('waiting') > 0 or redis.call('HLEN', offered) > 0 then
    if redis.call('EXISTS', lane) == 0 and not standing() then
      local share = redis.call('ZSCORE', shares, repository)
      if share and tonumber(share) <= counted('now') then redis.call('ZREM', shares, repository) end
    end
  else
    redis.call('DEL', clock, shares)
  end
end

local function offer_next(weight)
  local best = redis.call('ZRANGE', lane, 0, 0, 'WITHSCORES')
  if not best[1] then
    tidy()
    return {}
  end
  local name, cpus = string.match(best[1], '^(%S+) (%S+)$')
  local seconds = tonumber(redis.call('HGET', times, repository) or '${unknownSeconds}')
  local tag = math.max(counted('now'), tonumber(redis.call('ZSCORE', shares, repository) or '0'))
  redis.call('ZREM', lane, best[1])
  redis.call('HINCRBY', clock, 'waiting', -1)
  redis.call('HSET', offered, repository, name .. ' ' .. cpus .. ' ' .. exact(best[2]) .. ' ' .. exact(tag))
  redis.call('ZADD', shares, exact(tag + cpus * seconds * ${secondCost} / weight), repository)
  local answer = { name, place(tag) }
  if tag - counted('base') > ${rebaseAt} then
    redis.call('HSET', clock, 'base', exact(counted('now')))
    answer = { name, place(tag) }
    for _, text in ipairs(redis.call('HVALS', offered)) do
      local other = offer_of(text)
      if other.name ~= name then
        answer[#answer + 1] = other.name
        answer[#answer + 1] = place(other.tag)
      end
    end
  end
  return answer
end

local function give_back(stood)
  redis.call('HDEL', offered, repository)
  redis.call('ZADD', shares, exact(stood.tag), repository)
end
`

const scripts = {
  /**
   * ARGV: repository, weight, whether it may run, name, cpus, priority, whether it is first of its priority, line,
   * BullMQ's key of the job
   */
  mayflyEnter: `${common}
redis.call('SADD', KEYS[2], ARGV[8])
if redis.call('EXISTS', ARGV[9]) == 1 then return {} end
local stood = standing()
local name, member = ARGV[4], ARGV[4] .. ' ' .. ARGV[5]
if stood and stood.name == name then return { name, place(stood.tag) } end
local score = redis.call('ZSCORE', lane, member)
if not score then
  score = ARGV[6] * ${ages}
  if ARGV[7] ~= '1' then score = score + redis.call('HINCRBY', clock, 'came', 1) end
  redis.call('ZADD', lane, exact(score), member)
  redis.call('HINCRBY', clock, 'waiting', 1)
  redis.call('ZADD', shares, 'NX', 0, repository)
end
if stood then
  if tonumber(score) < stood.score then return { stood.name } end
  return {}
end
if ARGV[3] ~= '1' then return {} end
return offer_next(tonumber(ARGV[2]))
`,
  /** ARGV: repository, weight, whether it may run, name of the job that was taken or '' */
  mayflyAdvance: `${common}
local stood = standing()
if stood then
  if stood.name ~= ARGV[4] then return { stood.name, place(stood.tag) } end
  redis.call('HSET', clock, 'now', exact(math.max(counted('now'), stood.tag)))
  redis.call('HDEL', offered, repository)
end
if ARGV[3] ~= '1' then
  tidy()
  return {}
end
return offer_next(tonumber(ARGV[2]))
`,
  /** ARGV: repository, name of what is offered no more, whether it waits on */
  mayflyRetract: `${common}
local stood = standing()
if not stood or stood.name ~= ARGV[2] then return 0 end
give_back(stood)
if ARGV[3] == '1' then
  redis.call('ZADD', lane, exact(stood.score), stood.name .. ' ' .. stood.cpus)
  redis.call('HINCRBY', clock, 'waiting', 1)
else
  tidy()
end
return 1
`,
  /** ARGV: repository, name, cpus; 1 where it waited in its lane */
  mayflyLeave: `${common}
if redis.call('ZREM', lane, ARGV[2] .. ' ' .. ARGV[3]) == 0 then return 0 end
redis.call('HINCRBY', clock, 'waiting', -1)
tidy()
return 1
`,
  /** ARGV: the line */
  mayflyForget: `
if redis.call('EXISTS', KEYS[1] .. 'clock', KEYS[1] .. 'offered') > 0 then return 0 end
redis.call('DEL', KEYS[1] .. 'times')
return redis.call('SREM', KEYS[2], ARGV[1])
`,
  /** ARGV: repository, seconds that a job of it took */
  mayflyTook: `${common}
local seconds = math.max(1, math.min(3600, tonumber(ARGV[2])))
local known = redis.call('HGET', times, repository)
if known then seconds = 0.75 * tonumber(known) + 0.25 * seconds end
redis.call('HSET', times, repository, exact(seconds))
redis.call('EXPIRE', times, 2592000)
return 1
`,
} as const

/** Keys: what those of the line start with, and the set of all lines. */
export type LaneRedis = Redis & {
  /** Names and places for BullMQ in turn; one name alone is offered and has to make room for the one that came. */
  mayflyEnter(line: string, lines: string, ...args: (string | number)[]): Promise<(string | number)[]>
  /** Names and places for BullMQ in turn. */
  mayflyAdvance(line: string, ...args: (string | number)[]): Promise<(string | number)[]>
  mayflyRetract(line: string, ...args: (string | number)[]): Promise<number>
  mayflyLeave(line: string, ...args: (string | number)[]): Promise<number>
  mayflyForget(line: string, lines: string, name: string): Promise<number>
  mayflyTook(line: string, ...args: (string | number)[]): Promise<number>
}

/** Teaches a client the scripts of lanes. */
export function withLaneScripts(redis: Redis): LaneRedis {
  for (const [name, lua] of Object.entries(scripts))
    redis.defineCommand(name, { numberOfKeys: lua.includes('KEYS[2]') ? 2 : 1, lua })
  return redis as LaneRedis
}

/** What jobs cost their repository, in the unit of tags, for those that look ahead. */
export function costOf({
  cpus,
  seconds = unknownSeconds,
  weight,
}: {
  cpus: number
  seconds?: number | undefined
  weight: number
}): number {
  return (cpus * seconds * secondCost) / weight
}
