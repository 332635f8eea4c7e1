import fc from 'fast-check'
import { expect } from 'vitest'
import { InfraError } from '../../config/errors.ts'
import { lineSplitter } from '../../runner/qemu/qmp-lines.ts'
import { parseQmpMessage } from '../../runner/qemu/qmp-message.ts'
import { fuzz } from './fuzz.ts'

const value = fc.jsonValue({ maxDepth: 2 })
const timestamp = fc.record({ seconds: fc.nat(), microseconds: fc.nat(999_999) })
const message = fc.oneof(
  fc.record({ event: fc.string(), data: fc.dictionary(fc.string(), value), timestamp }),
  fc.record({ return: value, id: fc.nat() }),
  fc.record({ error: fc.record({ class: fc.string(), desc: fc.string() }), id: fc.nat() }),
  fc.record({ QMP: value }),
  value,
)
const line = fc.oneof(
  { weight: 4, arbitrary: message.map((each) => JSON.stringify(each)) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', '')) },
)

fuzz({
  target: 'qmp-framing',
  cases: fc.record({
    lines: fc.array(line, { maxLength: 6 }),
    rest: fc.string({ maxLength: 9 }).map((text) => text.replaceAll('\n', '')),
    cuts: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
  }),
  holds({ lines, rest, cuts }) {
    const bytes = Buffer.from(lines.map((each) => `${each}\n`).join('') + rest)
    const split = lineSplitter()
    const read: string[] = []
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = cuts[turn % cuts.length] ?? 1
      read.push(...split(bytes.subarray(at, at + size)))
      at += size
    }
    expect(read).toEqual(lines)
    for (const each of read) {
      try {
        const { kind } = parseQmpMessage(each)
        expect(['greeting', 'event', 'return', 'error']).toContain(kind)
      } catch (error) {
        expect(error).toBeInstanceOf(InfraError)
      }
    }
  },
})
