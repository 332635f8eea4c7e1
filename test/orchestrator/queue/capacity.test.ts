import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fits, hasRoom, minus, plus, shortage } from '../../../orchestrator/queue/capacity.ts'
import { createRoom } from '../../../orchestrator/queue/room.ts'

const gib = 2 ** 30
const resources = fc.record({ cpus: fc.integer({ min: 0, max: 8 }), memory: fc.integer({ min: 0, max: 8 }) })

describe('capacity', () => {
  it('says what is short exactly when something does not fit', () => {
    fc.assert(
      fc.property(resources, resources, (have, need) => {
        expect(shortage(have, need, 'free') === undefined).toBe(fits(have, need))
        expect(plus(minus(have, need), need)).toEqual(have)
      }),
    )
  })

  it('names each resource, what is asked and what is there', () => {
    const have = { cpus: 2, memory: 1.5 * gib }
    expect(shortage(have, { cpus: 4, memory: 2 * gib }, 'free')).toBe(
      'needs 4 cpus, 2 are free; needs 2 GiB of memory, 1.5 GiB are free',
    )
    expect(shortage(have, { cpus: 4, memory: gib }, 'total')).toBe('needs 4 cpus, this host has 2')
  })

  it('has no room for anything where one resource is used up', () => {
    expect(
      [
        { cpus: 0, memory: 1 },
        { cpus: 1, memory: 0 },
        { cpus: 1, memory: 1 },
      ].map(hasRoom),
    ).toEqual([false, false, true])
  })
})

describe('the room of a host', () => {
  const signal = new AbortController().signal

  it('never gives out more than there is, and all of it comes back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(resources, { maxLength: 12 }), async (needs) => {
        const total = { cpus: 8, memory: 8 }
        const room = createRoom(total)
        const taken = await Promise.all(needs.map((need) => room.take(need, { signal, ms: 0 })))
        const sum = needs.filter((_, index) => taken[index]).reduce(plus, { cpus: 0, memory: 0 })
        expect(fits(total, sum)).toBe(true)
        expect(plus(room.free(), sum)).toEqual(total)
        for (const release of taken) release?.()
        for (const release of taken) release?.()
        expect(room.free()).toEqual(total)
      }),
      { numRuns: 30 },
    )
  })

  it('gives what is needed as soon as it is given back, and nothing after the time or an abort', async () => {
    const room = createRoom({ cpus: 2, memory: 2 })
    const all = { cpus: 2, memory: 2 }
    const first = await room.take(all, { signal, ms: 0 })
    const second = room.take(all, { signal, ms: 5000 })
    expect(await room.take(all, { signal, ms: 5 })).toBeUndefined()
    const abort = new AbortController()
    const aborted = room.take(all, { signal: abort.signal, ms: 5000 })
    abort.abort()
    expect(await aborted).toBeUndefined()
    first?.()
    const release = await second
    expect(room.free()).toEqual({ cpus: 0, memory: 0 })
    const some = room.untilSome(signal)
    release?.()
    await some
    expect(room.free()).toEqual(all)
  })
})
