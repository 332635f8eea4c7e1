import type { Redis } from 'ioredis'
import { endStates } from '../model/build.ts'

/*
 * The store's writes, each one atomic step in Redis. Each takes one JSON text, whose field values are JSON texts
 * themselves and pass through as they are: Lua's own JSON turns an empty list into an empty object.
 *
 * A command whose answer was lost is sent again by ioredis, so each script knows its own second arrival.
 * Key names are made in the scripts, so Redis Cluster is not for this store; Sentinel is.
 */

/** A record's place: where it is kept, and the indexes that hold its id. */
export type RecordPlace = {
  readonly key: string
  readonly id: string
  /** Start of the names of its indexes. */
  readonly index: string
  /** Fields by which it is listed, alone and in every combination. */
  readonly facets: readonly string[]
  /** By the first facet, by the first two and so on, in no other combination. */
  readonly nested?: true
  /** Indexed by the time at which it came there, instead of by its id. */
  readonly timed: boolean
  /** Index of the records that have `ended`, by when; undefined for records that nobody looks for by their age. */
  readonly endings?: string
  /** When it came to its timed indexes, ms since 1970. @defaultValue now */
  readonly at?: number
}

export type RecordFields = {
  readonly set: Readonly<Record<string, string>>
  readonly unset: readonly string[]
}

export type RecordChange = RecordPlace &
  RecordFields & {
    /** JSON texts of the states it may be in. */
    readonly from?: readonly string[]
    /** JSON text of the claim it has to have. */
    readonly claim?: string
    /** Grows the claim by one. */
    readonly claims: boolean
    /** Counts the change in `revision`. */
    readonly revised?: true
    /** Not where there are `most` records of the same repository in the indexes `held` already. */
    readonly bound?: {
      readonly most: number
      readonly held: readonly string[]
      /** Start of the keys of these records. */
      readonly jobs: string
    }
    /** Unlike any other change's. */
    readonly write: string
  }

export type DeliveryRecord = RecordPlace &
  RecordFields & {
    /** Remembers the forge's id; undefined where it is no duplicate whatever came before. */
    readonly seen?: string
    readonly body: string
    /** seconds */
    readonly keepRecord: number
    readonly keepBody: number
    /** Ids below are older than `keepRecord`. */
    readonly oldest: string
    /** Refused deliveries kept. */
    readonly refused: number
  }

/** A finished build that goes, with all that Redis has of it. */
export type PruneOrder = {
  readonly build: RecordPlace
  /** JSON text of when it ended; one that has run again since stays. */
  readonly ended: string
  readonly jobs: readonly RecordPlace[]
  /** Hash of the groups' holders, and those that these jobs may still hold. */
  readonly holders: string
  readonly groups: readonly { readonly group: string; readonly job: string }[]
  /** Hash of what is to be removed from disk. */
  readonly removing: string
  /** JSON text of the names of the folders. */
  readonly attempts: string
  /** Key of the newest id that was pruned; undefined for a build that somebody deleted, whatever its age. */
  readonly newest?: string
}

/** A build and its jobs as they once were, the build first. */
export type RestoreOrder = {
  readonly records: readonly (RecordPlace & RecordFields & { readonly revision: number })[]
  /** Hash of what is to be removed from disk, which does not come back. */
  readonly removing: string
}

/** One job of a finished build that goes. */
export type RemoveJobOrder = Pick<PruneOrder, 'ended' | 'removing' | 'attempts'> & {
  /** Key of its build. */
  readonly build: string
  readonly job: RecordPlace
  /** JSON texts of the build's jobs, as they were read and without this one. */
  readonly jobs: string
  readonly left: string
}

export type ScriptedRedis = Redis & {
  /** Writes records, and 1; or nothing, and 0, where another write made the first of them. */
  mayflyAdd(records: string, write: string): Promise<number>
  /** The record's fields and values in turn, or null where it is not there or not as the change wants it. */
  mayflyChange(change: string): Promise<string[] | null>
  /** 1, or 0 for a duplicate. */
  mayflyDeliver(delivery: string, body: Buffer): Promise<number>
  /** The group's holder now. */
  mayflyTakeGroup(groups: string, group: string, job: string, instead: string): Promise<string>
  mayflyReleaseGroup(groups: string, group: string, job: string): Promise<number>
  /** 1, or 0 where the build or a job of it is not as the order says. */
  mayflyPrune(order: string): Promise<number>
  /** The same. */
  mayflyRemoveJob(order: string): Promise<number>
  /** Ids of the records that were written, for they were absent or older. */
  mayflyRestore(order: string): Promise<string[]>
}

/** Teaches a client the store's scripts. */
export function withScripts(redis: Redis): ScriptedRedis {
  for (const [name, lua] of Object.entries(scripts)) redis.defineCommand(name, { numberOfKeys: 0, lua })
  return redis as ScriptedRedis
}

const indexing = `
local function values(record)
  local found = {}
  for i, facet in ipairs(record.facets) do found[i] = redis.call('HGET', record.key, facet) end
  return found
end

-- The indexes of a record: one for each subset of its facets, or for each beginning of them. JSON quoting keeps the
-- names apart.
local function indexes(record, found)
  local names = { record.index }
  for i, facet in ipairs(record.facets) do
    if found[i] then
      for n = record.nested and #names or 1, #names do names[#names + 1] = names[n] .. ',' .. facet .. '=' .. found[i] end
    end
  end
  if record.timed then table.remove(names, 1) end
  return names
end

local function score(record)
  if not record.timed then return 0 end
  if record.at then return record.at end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- JSON texts of dates sort as the dates do.
local function ending(record)
  local ended = record.endings and redis.call('HGET', record.key, 'ended')
  return ended and ended .. ' ' .. record.id
end

local function apply(record)
  local ended = ending(record)
  local args = {}
  for field, value in pairs(record.set) do
    args[#args + 1] = field
    args[#args + 1] = value
  end
  if #args > 0 then redis.call('HSET', record.key, unpack(args)) end
  for _, field in ipairs(record.unset) do redis.call('HDEL', record.key, field) end
  local ends = ending(record)
  if ended and ended ~= ends then redis.call('ZREM', record.endings, ended) end
  if ends and ended ~= ends then redis.call('ZADD', record.endings, 0, ends) end
end

local function forget(record)
  local ended = ending(record)
  if ended then redis.call('ZREM', record.endings, ended) end
  for _, name in ipairs(indexes(record, values(record))) do redis.call('ZREM', name, record.id) end
  redis.call('DEL', record.key)
end

local function reindex(record, before, after)
  local same = true
  for i in ipairs(record.facets) do same = same and before[i] == after[i] end
  if same then return end
  local kept = {}
  local at = score(record)
  for _, name in ipairs(indexes(record, after)) do
    kept[name] = true
    redis.call('ZADD', name, 'NX', at, record.id)
  end
  for _, name in ipairs(indexes(record, before)) do
    if not kept[name] then redis.call('ZREM', name, record.id) end
  end
end

local function create(record)
  apply(record)
  local at = score(record)
  for _, name in ipairs(indexes(record, values(record))) do redis.call('ZADD', name, at, record.id) end
end
`

const mayflyAdd = `
local records = cjson.decode(ARGV[1])
local first = records[1].key
if redis.call('EXISTS', first) == 1 then return redis.call('HGET', first, '.made') == ARGV[2] and 1 or 0 end
for _, record in ipairs(records) do create(record) end
redis.call('HSET', first, '.made', ARGV[2])
return 1
`

const mayflyChange = `
-- What hosts have is little, so it is counted one by one and needs no index of its own.
local function held(bound, repository)
  local count = 0
  for _, index in ipairs(bound.held) do
    for _, id in ipairs(redis.call('ZRANGE', index, 0, -1)) do
      if redis.call('HGET', bound.jobs .. id, 'repository') == repository then count = count + 1 end
    end
  end
  return count
end

local change = cjson.decode(ARGV[1])
local key = change.key
if redis.call('EXISTS', key) == 0 then return false end
if redis.call('HGET', key, '.write') == change.write then return redis.call('HGETALL', key) end
if change.from then
  local state = redis.call('HGET', key, 'state')
  local allowed = false
  for _, from in ipairs(change.from) do allowed = allowed or from == state end
  if not allowed then return false end
end
local claim = redis.call('HGET', key, 'claim')
if change.claim and change.claim ~= claim then return false end
local bound = change.bound
if bound and held(bound, redis.call('HGET', key, 'repository')) >= bound.most then return false end
local before = values(change)
apply(change)
if change.claims then redis.call('HSET', key, 'claim', string.format('%d', tonumber(claim) + 1)) end
redis.call('HSET', key, '.write', change.write)
if change.revised then redis.call('HINCRBY', key, 'revision', 1) end
reindex(change, before, values(change))
return redis.call('HGETALL', key)
`

const mayflyDeliver = `
local delivery = cjson.decode(ARGV[1])
local key = delivery.key
if redis.call('EXISTS', key) == 1 then
  return redis.call('HGET', key, 'verdict') == '"duplicate"' and 0 or 1
end
local first = delivery.seen and redis.call('GET', delivery.seen)
if first then
  local reasons = cjson.decode(delivery.set.reasons)
  reasons[#reasons + 1] = 'the forge sent this before, as ' .. first
  delivery.set.reasons = cjson.encode(reasons)
  delivery.set.verdict = '"duplicate"'
elseif delivery.seen then
  redis.call('SET', delivery.seen, delivery.id, 'EX', delivery.keepRecord)
end
create(delivery)
redis.call('EXPIRE', key, delivery.keepRecord)
local names = indexes(delivery, values(delivery))
for _, name in ipairs(names) do redis.call('ZREMRANGEBYLEX', name, '-', '(' .. delivery.oldest) end
if delivery.set.verdict == '"refused"' then
  local refused = delivery.index .. ',verdict="refused"'
  if redis.call('ZCARD', refused) > delivery.refused then
    local id = redis.call('ZRANGE', refused, 0, 0)[1]
    local old = { id = id, index = delivery.index, facets = delivery.facets }
    old.key = string.sub(key, 1, #key - #delivery.id) .. id
    for _, name in ipairs(indexes(old, values(old))) do redis.call('ZREM', name, id) end
    redis.call('DEL', old.key)
  end
elseif not first then
  redis.call('SET', delivery.body, ARGV[2], 'EX', delivery.keepBody)
end
return first and 0 or 1
`

const mayflyTakeGroup = `
local holder = redis.call('HGET', ARGV[1], ARGV[2])
if holder and holder ~= ARGV[4] then return holder end
redis.call('HSET', ARGV[1], ARGV[2], ARGV[3])
return ARGV[3]
`

const mayflyReleaseGroup = `
if redis.call('HGET', ARGV[1], ARGV[2]) ~= ARGV[3] then return 0 end
return redis.call('HDEL', ARGV[1], ARGV[2])
`

const over = endStates.map((state) => `['"${state}"'] = true`).join(', ')

const mayflyPrune = `
local over = { ${over} }
local order = cjson.decode(ARGV[1])
if redis.call('HGET', order.build.key, 'ended') ~= order.ended then return 0 end
for _, job in ipairs(order.jobs) do
  local state = redis.call('HGET', job.key, 'state')
  if state and not over[state] then return 0 end
end
redis.call('HSET', order.removing, order.build.id, order.attempts)
for _, job in ipairs(order.jobs) do forget(job) end
for _, held in ipairs(order.groups) do
  if redis.call('HGET', order.holders, held.group) == held.job then redis.call('HDEL', order.holders, held.group) end
end
forget(order.build)
if order.newest and (redis.call('GET', order.newest) or '') < order.build.id then
  redis.call('SET', order.newest, order.build.id)
end
return 1
`

const mayflyRemoveJob = `
local order = cjson.decode(ARGV[1])
if redis.call('HGET', order.build, 'ended') ~= order.ended then return 0 end
if redis.call('HGET', order.build, 'jobs') ~= order.jobs then return 0 end
redis.call('HSET', order.removing, order.job.id, order.attempts)
redis.call('HSET', order.build, 'jobs', order.left)
forget(order.job)
return 1
`

const mayflyRestore = `
local order = cjson.decode(ARGV[1])
local written = {}
if redis.call('HEXISTS', order.removing, order.records[1].id) == 1 then return written end
for _, record in ipairs(order.records) do
  local has = redis.call('EXISTS', record.key) == 1 and tonumber(redis.call('HGET', record.key, 'revision') or 0)
  local gone = redis.call('HEXISTS', order.removing, record.id) == 1
  if not gone and (not has or has < record.revision) then
    if has then forget(record) end
    create(record)
    written[#written + 1] = record.id
  end
end
return written
`

const scripts = {
  mayflyAdd: indexing + mayflyAdd,
  mayflyChange: indexing + mayflyChange,
  mayflyDeliver: indexing + mayflyDeliver,
  mayflyTakeGroup,
  mayflyReleaseGroup,
  mayflyPrune: indexing + mayflyPrune,
  mayflyRemoveJob: indexing + mayflyRemoveJob,
  mayflyRestore: indexing + mayflyRestore,
}
