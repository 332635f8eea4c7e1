import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createOutputTail } from '../../../orchestrator/terminal/output-tail.ts'

it('has the last bytes of whatever was put in, wherever its pieces ended', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 })
  fc.assert(
    fc.property(
      pieces,
      fc.integer({ min: 1, max: 32 }),
      fc.integer({ min: 1, max: 50 }),
      (given, keep, most) => {
        const tail = createOutputTail(keep)
        for (const piece of given) tail.push(Buffer.from(piece))
        const all = Buffer.concat(given)
        expect([tail.start, tail.end]).toEqual([Math.max(0, all.length - keep), all.length])
        const read: Buffer[] = []
        for (let at = tail.start; at < tail.end; at += read.at(-1)?.length ?? 0)
          read.push(tail.read(at, most))
        expect(Buffer.concat(read).equals(all.subarray(tail.start))).toBe(true)
        expect(read.every(({ length }) => length <= most)).toBe(true)
        expect(tail.read(tail.end, most)).toHaveLength(0)
      },
    ),
  )
})

it('gives copies, which what comes later does not change', () => {
  const tail = createOutputTail(4)
  tail.push(Buffer.from('abcd'))
  const read = tail.read(0, 4)
  tail.push(Buffer.from('wxyz'))
  expect(read.toString()).toBe('abcd')
})
