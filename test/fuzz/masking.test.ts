import fc from 'fast-check'
import { expect } from 'vitest'
import { createMasker } from '../../runner/logs/mask.ts'
import { maskNeedles } from '../../runner/logs/mask-needles.ts'
import { fuzz } from './fuzz.ts'

const letter = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', '\n', '\r', ' ', '=', '/') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }) },
)
const secret = fc.oneof(
  fc.string({ unit: letter, minLength: 1, maxLength: 9 }),
  fc.string({ unit: 'grapheme', minLength: 4, maxLength: 24 }),
)

fuzz({
  target: 'masking',
  cases: fc.array(secret, { maxLength: 4 }).chain((secrets) => {
    const forms = secrets.flatMap((text) => [text, Buffer.from(text).toString('base64'), text.slice(1)])
    const piece = fc.oneof(fc.string({ unit: letter, maxLength: 8 }), fc.constantFrom('', ...forms))
    return fc.record({
      secrets: fc.constant(secrets),
      text: fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join('')),
      // Bytes: borders fall within letters too.
      cuts: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
    })
  }),
  holds({ secrets, text, cuts }) {
    const bytes = Buffer.from(text)
    const masker = createMasker(secrets)
    const output: Uint8Array[] = []
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = cuts[turn % cuts.length] ?? 1
      output.push(Buffer.from(masker.push(bytes.subarray(at, at + size))))
      at += size
    }
    expect(Buffer.concat([...output, masker.end()]).toString('latin1')).toBe(masked(secrets, bytes))
  },
})

/** The same by brute force: every byte of every occurrence is marked, each run of marks is one mask. */
function masked(secrets: readonly string[], bytes: Buffer): string {
  const spans: { from: number; to: number }[] = []
  for (const needle of maskNeedles(secrets)) {
    for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1))
      spans.push({ from: at, to: at + needle.length })
  }
  spans.sort((one, other) => one.from - other.from)
  let output = ''
  let end = 0
  let open = false
  for (const { from, to } of spans) {
    if (!open || from >= end) output += `${bytes.toString('latin1', end, from)}***`
    open = true
    end = Math.max(end, to)
  }
  return output + bytes.toString('latin1', end)
}
