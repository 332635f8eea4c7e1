import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitsIn, type Room, taking } from '../../../runner/pool/pool-room.ts'
import {
  drainPool,
  emptyPool,
  entryFailed,
  entryGone,
  entryReady,
  type PoolState,
  planPool,
  shrinkTo,
  takeEntry,
  takenBy,
} from '../../../runner/pool/pool-state.ts'
import type { PoolWant } from '../../../runner/pool/pool-want.ts'

const want: PoolWant = {
  ...{ image: 'a', network: 'none', min: 1, max: 2 },
  resources: { cpus: 1, memory: 2, disk: 1 },
}
const plenty: Room = { cpus: 100, memory: 100 }
const minute = 60_000

/** Names machines 1, 2, 3 and so on. */
function ids(): () => string {
  let last = 0
  return () => String(++last)
}

/** The state of a pool in which everything that was planned has come up. */
function filled(wants: readonly PoolWant[], digest = 'd'): PoolState {
  const planned = planPool(emptyPool(wants, 0), { now: 0, spare: plenty, newId: ids() })
  return planned.start.reduce((state, { id }) => entryReady(state, { id, digest, now: 0 }), planned.state)
}

const statesOf = ({ entries }: PoolState) => entries.map(({ id, state }) => `${id} ${state}`)

describe('the pool', () => {
  it('starts the least of each want, in turn, and no more than there is room for', () => {
    const wants = [
      { ...want, min: 3, max: 3 },
      { ...want, image: 'b', min: 2, max: 2 },
    ]
    const { start, state } = planPool(emptyPool(wants, 0), {
      now: 0,
      spare: { cpus: 4, memory: 6 },
      newId: ids(),
    })
    expect(start.map((entry) => entry.want)).toEqual([0, 1, 0])
    expect(takenBy(state)).toEqual({ cpus: 3, memory: 6 })
  })

  it('hands out the machine that has waited longest, and keeps none of it', () => {
    const two = filled([{ ...want, min: 2 }])
    const { taken, state } = takeEntry(two, { want: 0, digest: 'd', now: 1 })
    expect(taken).toBe('1')
    expect(statesOf(state)).toEqual(['2 ready'])
  })

  it('gives up machines of an older image than the job has', () => {
    const { taken, end, state } = takeEntry(filled([want]), { want: 0, digest: 'newer', now: 1 })
    expect({ taken, end }).toEqual({ taken: undefined, end: ['1'] })
    expect(statesOf(state)).toEqual(['1 ending'])
  })

  it('keeps more ready after a job found none, up to its most, and fewer again when it was calm', () => {
    let state = filled([want])
    for (const now of [1, 2, 3]) state = takeEntry(state, { want: 0, digest: 'd', now }).state
    const newId = ids()
    const busy = planPool(state, { now: 4, spare: plenty, newId })
    expect(busy.start).toHaveLength(2)
    const now = 3 + 15 * minute
    let calm = planPool(allReady(busy.state), { now, spare: plenty, newId }).state
    for (const id of ['1', '2']) {
      const step = takeEntry(calm, { want: 0, digest: 'd', now })
      expect(step.taken).toBe(id)
      calm = step.state
    }
    expect(planPool(calm, { now, spare: plenty, newId }).start).toHaveLength(1)
  })

  it('waits longer after each start that came to nothing, and forgets that with one that did not', () => {
    let state = emptyPool([want], 0)
    const newId = ids()
    const pauses: number[] = []
    let now = 0
    for (let times = 0; times < 8; times++) {
      const [entry] = planPool(state, { now, spare: plenty, newId }).start
      if (entry === undefined) throw new Error(`expected a start at ${now}`)
      state = { ...state, entries: [entry] }
      state = entryGone(entryFailed(state, { id: entry.id, now }), entry.id)
      const before = now
      while (planPool(state, { now, spare: plenty, newId }).start.length === 0) now += 1000
      pauses.push((now - before) / 1000)
    }
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 300, 300])
    const { start, state: started } = planPool(state, { now, spare: plenty, newId })
    const id = start[0]?.id ?? ''
    const failedAgain = entryFailed(entryReady(started, { id, digest: 'd', now }), { id, now })
    expect(
      planPool(entryGone(failedAgain, id), { now: now + 5000, spare: plenty, newId }).start,
    ).toHaveLength(1)
  })

  it('replaces machines that have waited for an hour', () => {
    const state = filled([want])
    const newId = () => 'new'
    expect(planPool(state, { now: 60 * minute - 1, spare: plenty, newId }).end).toEqual([])
    const old = planPool(state, { now: 60 * minute, spare: plenty, newId })
    expect({ end: old.end, start: old.start }).toEqual({ end: ['1'], start: [] })
    const gone = entryGone(old.state, '1')
    expect(planPool(gone, { now: 60 * minute, spare: plenty, newId }).start).toHaveLength(1)
  })

  it('gives up no more than stands in the way, and what is not ready yet first', () => {
    const state = filled([{ ...want, min: 2, max: 3 }])
    const more = planPool(takeEntry(state, { want: 0, digest: 'other', now: 1 }).state, {
      ...{ now: 1, spare: plenty, newId: () => '3' },
    })
    expect(statesOf(more.state)).toEqual(['1 ending', '2 ending', '3 starting'])
    const three = filled([{ ...want, min: 3, max: 3 }])
    const starting: PoolState = {
      ...three,
      entries: three.entries.map((entry) => (entry.id === '2' ? { ...entry, state: 'starting' } : entry)),
    }
    expect(shrinkTo(starting, { room: { cpus: 3, memory: 6 }, now: 1 }).end).toEqual([])
    expect(shrinkTo(starting, { room: { cpus: 3, memory: 5 }, now: 1 }).end).toEqual(['2'])
    expect(shrinkTo(starting, { room: { cpus: 1, memory: 9 }, now: 1 }).end).toEqual(['2', '1'])
  })

  it('starts and hands out nothing once it is drained', () => {
    const { state, end } = drainPool(filled([{ ...want, min: 2 }]), 1)
    expect(end).toEqual(['1', '2'])
    expect(takeEntry(state, { want: 0, digest: 'd', now: 2 }).taken).toBeUndefined()
    const empty = entryGone(entryGone(state, '1'), '2')
    expect(planPool(empty, { now: 2, spare: plenty, newId: ids() }).start).toEqual([])
  })
})

/** All machines come up. */
function allReady(state: PoolState): PoolState {
  return state.entries.reduce((next, { id }) => entryReady(next, { id, digest: 'd', now: 4 }), state)
}

const anyWant = fc
  .record({
    min: fc.integer({ min: 1, max: 3 }),
    more: fc.integer({ min: 0, max: 2 }),
    cpus: fc.integer({ min: 1, max: 3 }),
    memory: fc.integer({ min: 1, max: 4 }),
  })
  .map(
    ({ min, more, cpus, memory }): PoolWant => ({
      ...{ image: 'a', network: 'none', min, max: min + more, resources: { cpus, memory, disk: 1 } },
    }),
  )

/** Anything that can happen to a pool; `pick` chooses among the machines or wants there are. */
const anyEvent = fc.record({
  kind: fc.constantFrom('look', 'ready', 'fail', 'gone', 'take', 'shrink', 'drain'),
  pick: fc.nat(20),
  digest: fc.constantFrom('old', 'new'),
  jobs: fc.record({ cpus: fc.integer({ min: 0, max: 8 }), memory: fc.integer({ min: 0, max: 12 }) }),
  later: fc.constantFrom(0, 1, 6000, 15 * minute, 60 * minute),
})

describe('whatever happens to the pool', () => {
  it('hands no machine out twice, nor one that is not ready, and keeps to its most and to the room it is given', () => {
    const wanted = fc.array(anyWant, { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(wanted, fc.array(anyEvent, { maxLength: 60 }), (wants, events) => {
        const capacity: Room = { cpus: 8, memory: 12 }
        const newId = ids()
        const handedOut = new Set<string>()
        const given = new Set<string>()
        let state = emptyPool(wants, 0)
        let now = 0
        for (const { kind, pick, digest, jobs, later } of events) {
          now += later
          const before = state
          const some = before.entries[pick % Math.max(1, before.entries.length)]
          if (kind === 'look') {
            const spare = taking(taking(capacity, jobs), takenBy(before))
            const planned = planPool(before, { now, spare, newId })
            for (const { id } of planned.start) {
              expect(given.has(id)).toBe(false)
              given.add(id)
            }
            state = planned.state
            if (planned.start.length > 0) expect(fitsIn(taking(capacity, jobs), takenBy(state))).toBe(true)
            for (const id of planned.end) expect(stateOf(before, id)).toBe('ready')
          }
          if (kind === 'ready' && some !== undefined) state = entryReady(before, { id: some.id, digest, now })
          if (kind === 'fail' && some !== undefined) state = entryFailed(before, { id: some.id, now })
          if (kind === 'gone' && some?.state === 'ending') state = entryGone(before, some.id)
          if (kind === 'take') {
            const step = takeEntry(before, { want: pick % wants.length, digest, now })
            state = step.state
            if (step.taken !== undefined) {
              expect(stateOf(before, step.taken)).toBe('ready')
              expect(handedOut.has(step.taken)).toBe(false)
              handedOut.add(step.taken)
            }
          }
          if (kind === 'shrink') {
            const room = taking(capacity, jobs)
            state = shrinkTo(before, { room, now }).state
            const kept = takenBy(state, 'kept')
            expect(fitsIn(room, kept) || kept.cpus === 0).toBe(true)
          }
          if (kind === 'drain') state = drainPool(before, now).state
          for (const { id } of state.entries) expect(handedOut.has(id)).toBe(false)
          for (const [index, { max }] of wants.entries())
            expect(state.entries.filter((entry) => entry.want === index).length).toBeLessThanOrEqual(max)
        }
      }),
      { numRuns: 500 },
    )
  })
})

function stateOf({ entries }: PoolState, id: string): string | undefined {
  return entries.find((entry) => entry.id === id)?.state
}
