import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cleanText } from '../../../runner/logs/clean-text.ts'

describe('cleanText', () => {
  it('AC45: joins what a stray carriage return tore apart', () => {
    expect(cleanText('Ker\rnel pan\ric - not syncing')).toBe('Kernel panic - not syncing')
  })

  it('takes CR LF for one line break', () => {
    expect(cleanText('one\r\ntwo\r\r\n')).toBe('one\ntwo\n')
  })

  it('gives each state of a redrawn line a line of its own', () => {
    expect(cleanText('10%\r\u001b[K20%\r\u001b[2K100%\n')).toBe('10%\n20%\n100%\n')
  })

  it('removes colours, cursor moves, titles and links', () => {
    expect(cleanText('\u001b[1;31mred\u001b[0m \u001b[2Jclear\u001b(B')).toBe('red clear')
    expect(cleanText('\u001b]0;title\u0007text')).toBe('text')
    expect(cleanText('\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\')).toBe('link')
    expect(cleanText('\u001bPdata\u001b\\\u001b_app\u001b\\ok\u001bc')).toBe('ok')
  })

  it('lets an escape sequence without an end hide nothing but itself', () => {
    expect(cleanText('\u001b]Kernel panic')).toBe('Kernel panic')
    expect(cleanText('text\u001b[31')).toBe('text')
    expect(cleanText('text\u001b')).toBe('text')
  })

  it('turns invalid UTF-8 into replacement characters and goes on', () => {
    expect(cleanText(Buffer.from([0x61, 0xff, 0xfe, 0x62, 0xc3]))).toBe('a\ufffd\ufffdb\ufffd')
  })

  it('keeps tabs, line breaks and every printable character', () => {
    expect(cleanText('a\tb\n\u00e4\u4e2d\ud83d\ude00')).toBe('a\tb\n\u00e4\u4e2d\ud83d\ude00')
  })

  it('leaves no control character of any input and changes nothing the second time', () => {
    const noise = fc.string({
      unit: fc.constantFrom('\u001b', '[', ']', '\r', '\n', '3', 'm', 'K', '\u0007', '\\', '\u009b', 'x'),
    })
    fc.assert(
      fc.property(
        fc.oneof(
          noise,
          fc.uint8Array().map((array) => Buffer.from(array)),
        ),
        (input) => {
          const clean = cleanText(input)
          for (const character of clean) {
            const code = character.codePointAt(0) ?? 0
            expect(code === 9 || code === 10 || (code >= 32 && !(code >= 127 && code < 160))).toBe(true)
          }
          expect(cleanText(clean)).toBe(clean)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('takes time in proportion to its input, however the escapes are nested', () => {
    const start = performance.now()
    cleanText('\u001b]'.repeat(500_000))
    cleanText(`\u001b[${'1;'.repeat(500_000)}`)
    cleanText(`\u001b]${'x'.repeat(1_000_000)}`)
    expect(performance.now() - start).toBeLessThan(2000)
  })
})
