import fc from 'fast-check'
import { expect, it } from 'vitest'
import { addUse, type ResourceUse, useSince } from '../../../runner/job/resource-use.ts'

const amount = fc.nat(2 ** 40)
const anyUse = fc.record({
  cpuMs: amount,
  memory: amount,
  diskRead: amount,
  diskWritten: amount,
  netSent: amount,
  netReceived: amount,
})

it('what was added to sums, added to them again, gives the sums after', () => {
  fc.assert(
    fc.property(anyUse, anyUse, (before, more) => {
      const after = addUse(before, more)
      const { memory, ...added } = useSince(before, after)
      const { memory: _, ...expected } = more
      expect(added).toEqual(expected)
      expect(memory).toBe(Math.max(before.memory, more.memory))
    }),
  )
})

it('a machine without a proxy has no network, and not none of it', () => {
  const use: ResourceUse = {
    ...{ cpuMs: 1, memory: 2, diskRead: 3, diskWritten: 4 },
    ...{ netSent: undefined, netReceived: undefined },
  }
  expect(addUse(use, use)).toEqual({ ...use, cpuMs: 2, diskRead: 6, diskWritten: 8 })
  expect(useSince(use, use)).toEqual({ ...use, cpuMs: 0, diskRead: 0, diskWritten: 0 })
})

it('nothing is ever taken back', () => {
  fc.assert(
    fc.property(anyUse, anyUse, (before, after) => {
      for (const value of Object.values(useSince(before, after))) expect(value).toBeGreaterThanOrEqual(0)
    }),
  )
})
