import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLineReader } from '../../../runner/logs/line-reader.ts'

describe('createLineReader', () => {
  it('gives the same lines however the bytes are cut', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', '\n', '\u00e9', '\u4e2d', ' ') })
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 5 }), (text, size) => {
        expect(lines(chunked(Buffer.from(text), size))).toEqual(lines([Buffer.from(text)]))
      }),
    )
  })

  it('hands over a last line without line break at the end', () => {
    expect(lines([Buffer.from('one\r\ntwo')])).toEqual(['one', 'two'])
  })

  it('shows the line that has no end yet', () => {
    const reader = createLineReader({ onLine: () => undefined })
    reader.push(Buffer.from('done\n\u001b[1mgrub rescue> '))
    expect(reader.pending()).toBe('grub rescue> ')
  })

  it('cuts a long line into pieces at character borders', () => {
    const pieces = lines([Buffer.from('\u4e2d'.repeat(10))], 8)
    expect(pieces.join('')).toBe('\u4e2d'.repeat(10))
    expect(Math.max(...pieces.map((piece) => Buffer.byteLength(piece)))).toBeLessThanOrEqual(8)
  })

  it('survives 100 MB without a line break in bounded memory', () => {
    let count = 0
    let longest = 0
    const reader = createLineReader({
      onLine: (line) => {
        count++
        longest = Math.max(longest, line.length)
      },
    })
    const chunk = Buffer.alloc(1_000_000, 'x')
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 100; i++) reader.push(chunk)
    reader.end()
    expect(longest).toBe(8192)
    expect(count).toBe(Math.ceil(100_000_000 / 8192))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024)
  })
})

function lines(chunks: Buffer[], maxLine?: number): string[] {
  const found: string[] = []
  const reader = createLineReader({
    ...(maxLine === undefined ? {} : { maxLine }),
    onLine: (line) => found.push(line),
  })
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return found
}

function chunked(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  )
}
