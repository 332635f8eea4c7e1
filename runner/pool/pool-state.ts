import { fitsIn, type Room, taking } from './pool-room.ts'
import type { PoolWant } from './pool-want.ts'

/** One machine of the pool that no job has yet. A machine that is taken is no entry any more. */
export type PoolEntry = {
  readonly id: string
  /** Position of its want. */
  readonly want: number
  /** `ending`: nobody gets it any more, and it still takes its room. */
  readonly state: 'starting' | 'ready' | 'ending'
  /** Of the image that it was started from; undefined until it is ready. */
  readonly digest: string | undefined
  /** When it came to its state; milliseconds on the caller's clock, as all times here. */
  readonly since: number
}

/** What a want asks for at the moment. */
type Demand = {
  /** From `min` to `max`: as many are to be ready. */
  readonly target: number
  /** When a job last found none, or the target was last lowered. */
  readonly raised: number
  /** Starts in a row that came to nothing. */
  readonly failures: number
  /** Nothing is started before. */
  readonly notBefore: number
}

/** All that is known of a pool. Never changed in place: each function gives the next state. */
export type PoolState = {
  readonly wants: readonly PoolWant[]
  readonly demands: readonly Demand[]
  readonly entries: readonly PoolEntry[]
  /** Nothing is started or handed out any more. */
  readonly draining: boolean
}

const minute = 60_000
/** What a guest does on its own while it waits stays little. */
const maxAge = 60 * minute
/** Without a job that found none for so long, one fewer is kept ready. */
const calm = 15 * minute
const firstPause = 5_000
const longestPause = 5 * minute

export function emptyPool(wants: readonly PoolWant[], now: number): PoolState {
  const demands = wants.map(({ min }) => ({ target: min, raised: now, failures: 0, notBefore: now }))
  return { wants, demands, entries: [], draining: false }
}

/** Names of new machines, and how many more machines there is room for. */
type Plan = { readonly now: number; readonly spare: Room; readonly newId: () => string }

/** What is to be done now: machines to start, those that are too old to end, and the state with both begun. */
export function planPool(state: PoolState, { now, spare, newId }: Plan): PoolStep {
  if (state.draining) return { state, start: [], end: [] }
  const old = state.entries.filter((entry) => entry.state === 'ready' && now - entry.since >= maxAge)
  const demands = state.demands.map((demand, want) => calmDown(demand, state.wants[want], now))
  let next: PoolState = { ...ending(state, old, now), demands }
  let room = spare
  const start: PoolEntry[] = []
  // One more of each want in turn, so that scarce room is shared.
  for (let isMore = true; isMore; ) {
    isMore = false
    for (const [want, { resources }] of state.wants.entries()) {
      const { target, notBefore } = demands[want] ?? noDemand
      if (aliveOf(next, want).length >= target || now < notBefore || !fitsIn(room, resources)) continue
      const entry: PoolEntry = { id: newId(), want, state: 'starting', digest: undefined, since: now }
      room = taking(room, resources)
      next = { ...next, entries: [...next.entries, entry] }
      start.push(entry)
      isMore = true
    }
  }
  return { state: next, start, end: old.map(({ id }) => id) }
}

export type PoolStep = {
  readonly state: PoolState
  readonly start: readonly PoolEntry[]
  /** Ids of machines that are to be destroyed. */
  readonly end: readonly string[]
}

/** A machine has come up. One that was given up meanwhile stays so. */
export function entryReady(
  state: PoolState,
  { id, digest, now }: { id: string; digest: string; now: number },
): PoolState {
  const entry = state.entries.find((each) => each.id === id)
  if (entry?.state !== 'starting') return state
  const ready: PoolEntry = { ...entry, state: 'ready', digest, since: now }
  const demands = state.demands.map((demand, want) =>
    want === entry.want ? { ...demand, failures: 0 } : demand,
  )
  return { ...state, demands, entries: state.entries.map((each) => (each === entry ? ready : each)) }
}

/** A start came to nothing, or a machine that waited ended by itself: the next start waits, longer each time. */
export function entryFailed(state: PoolState, { id, now }: { id: string; now: number }): PoolState {
  const entry = state.entries.find((each) => each.id === id)
  if (entry === undefined) return state
  const demands = state.demands.map((demand, want) => {
    if (want !== entry.want) return demand
    const notBefore = now + Math.min(longestPause, firstPause * 2 ** Math.min(demand.failures, 10))
    return { ...demand, failures: demand.failures + 1, notBefore }
  })
  return { ...ending(state, [entry], now), demands }
}

/** A machine is no more, and its room is free. */
export function entryGone(state: PoolState, id: string): PoolState {
  return { ...state, entries: state.entries.filter((entry) => entry.id !== id) }
}

type Ask = { readonly want: number; readonly digest: string; readonly now: number }

/**
 * Hands out a machine of a want, the one that has waited longest; undefined where none is ready, which raises the
 * number that is kept. Machines of another digest than the job's image has are given up.
 */
export function takeEntry(
  state: PoolState,
  { want, digest, now }: Ask,
): { readonly state: PoolState; readonly taken: string | undefined; readonly end: readonly string[] } {
  if (state.draining) return { state, taken: undefined, end: [] }
  const ready = aliveOf(state, want).filter((entry) => entry.state === 'ready')
  const stale = ready.filter((entry) => entry.digest !== digest)
  const found = ready.find((entry) => entry.digest === digest)
  const next = ending(state, stale, now)
  const end = stale.map(({ id }) => id)
  if (found !== undefined) return { state: entryGone(next, found.id), taken: found.id, end }
  const { max = 0 } = state.wants[want] ?? {}
  const demands = next.demands.map((demand, index) =>
    index === want ? { ...demand, target: Math.min(max, demand.target + 1), raised: now } : demand,
  )
  return { state: { ...next, demands }, taken: undefined, end }
}

/** Gives up as many machines as stand in the way of `room`: those that are not ready yet first, then the oldest. */
export function shrinkTo(
  state: PoolState,
  { room, now }: { room: Room; now: number },
): { readonly state: PoolState; readonly end: readonly string[] } {
  let next = state
  const end: string[] = []
  const order = [...state.entries].sort((a, b) => rank[a.state] - rank[b.state] || a.since - b.since)
  for (const entry of order) {
    if (entry.state === 'ending' || fitsIn(room, takenBy(next, 'kept'))) continue
    next = ending(next, [entry], now)
    end.push(entry.id)
  }
  return { state: next, end }
}

/** Gives up everything, for good. */
export function drainPool(
  state: PoolState,
  now: number,
): { readonly state: PoolState; readonly end: readonly string[] } {
  const alive = state.entries.filter((entry) => entry.state !== 'ending')
  return { state: { ...ending(state, alive, now), draining: true }, end: alive.map(({ id }) => id) }
}

/** The room of all machines, or without those that are being ended. */
export function takenBy({ wants, entries }: PoolState, which: 'all' | 'kept' = 'all'): Room {
  const sum = { cpus: 0, memory: 0 }
  for (const { want, state } of entries) {
    if (which === 'kept' && state === 'ending') continue
    sum.cpus += wants[want]?.resources.cpus ?? 0
    sum.memory += wants[want]?.resources.memory ?? 0
  }
  return sum
}

const rank = { ending: 0, starting: 1, ready: 2 }
const noDemand: Demand = { target: 0, raised: 0, failures: 0, notBefore: 0 }

/** Those of a want that take room, being ended or not: there are never more than its `max`. */
function aliveOf({ entries }: PoolState, want: number): PoolEntry[] {
  return entries.filter((entry) => entry.want === want)
}

function ending(state: PoolState, given: readonly PoolEntry[], now: number): PoolState {
  if (given.length === 0) return state
  const entries = state.entries.map((entry) =>
    given.includes(entry) ? { ...entry, state: 'ending' as const, since: now } : entry,
  )
  return { ...state, entries }
}

function calmDown(demand: Demand, want: PoolWant | undefined, now: number): Demand {
  if (want === undefined || demand.target <= want.min || now - demand.raised < calm) return demand
  return { ...demand, target: demand.target - 1, raised: now }
}
