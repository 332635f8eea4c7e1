import type { Redis } from 'ioredis'

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
  /** Indexed by the time at which it came there, instead of by its id. */
  readonly timed: boolean
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

-- The indexes of a record: one for each subset of its facets. JSON quoting keeps the names apart.
local function indexes(record, found)
  local names = { record.index }
  for i, facet in ipairs(record.facets) do
    if found[i] then
      for n = 1, #names do names[#names + 1] = names[n] .. ',' .. facet .. '=' .. found[i] end
    end
  end
  if record.timed then table.remove(names, 1) end
  return names
end

local function score(record)
  if not record.timed then return 0 end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function apply(record)
  local args = {}
  for field, value in pairs(record.set) do
    args[#args + 1] = field
    args[#args + 1] = value
  end
  if #args > 0 then redis.call('HSET', record.key, unpack(args)) end
  for _, field in ipairs(record.unset) do redis.call('HDEL', record.key, field) end
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
local before = values(change)
apply(change)
if change.claims then redis.call('HSET', key, 'claim', string.format('%d', tonumber(claim) + 1)) end
redis.call('HSET', key, '.write', change.write)
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

const scripts = {
  mayflyAdd: indexing + mayflyAdd,
  mayflyChange: indexing + mayflyChange,
  mayflyDeliver: indexing + mayflyDeliver,
  mayflyTakeGroup,
  mayflyReleaseGroup,
}
