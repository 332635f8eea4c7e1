import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTerminalText } from '../../../../orchestrator/command/view/terminal-text.ts'

const esc = '\u001b'
const shown = (...chunks: (string | Buffer)[]) => {
  const text = createTerminalText()
  return chunks.map((chunk) => text.push(Buffer.from(chunk))).join('')
}

describe('what a terminal is shown of a job', () => {
  it('keeps colours, line breaks, tabs and every letter', () => {
    expect(shown(`${esc}[1;31mred${esc}[0m\tü €\r\nnext`)).toBe(`${esc}[1;31mred${esc}[0m\tü €\r\nnext`)
  })

  it.each([
    ['sets its title', `${esc}]0;owned\u0007`],
    ['writes its clipboard', `${esc}]52;c;cm0gLXJmIH4=\u0007`],
    ['makes a link', `${esc}]8;;http://evil/${esc}\\`],
    ['moves its cursor', `${esc}[10A`],
    ['clears it', `${esc}[2J${esc}[3J${esc}c`],
    ['asks it what it is, to have the answer typed', `${esc}[c${esc}[6n${esc}Z`],
    ['switches its screen', `${esc}[?1049h`],
    ['loads a program into its keys', `${esc}P1;1|17/6c73${esc}\\`],
    ['says the same in one byte', '\u009b2J\u009d0;owned\u009c'],
    ['rings and backs over what stands there', '\u0007\b\b\b'],
  ])('leaves out what %s', (_what, sequence) => {
    expect(shown(`before${sequence}after`)).toMatch(/^before.*after$/)
    expect(shown(`before${sequence}after`)).not.toMatch(harmful)
    for (let cut = 1; cut < sequence.length; cut++) {
      const chunks = [`before${sequence.slice(0, cut)}`, `${sequence.slice(cut)}after`]
      expect(shown(...chunks), `cut at ${cut}`).not.toMatch(harmful)
    }
  })

  it('shows what is not UTF-8 as replacement characters, also where a letter is cut', () => {
    expect(shown(Buffer.from([0xff, 0x61, 0xc3]), Buffer.from([0xbc, 0x62]))).toBe('\ufffdaüb')
  })

  it('is never more than text and colours, however the bytes come', () => {
    const piece = fc.oneof(
      fc.constantFrom(esc, '[', ']', '0;', 'm', 'J', '31m', '\u0007', '\\', 'P', '\u009b', '?', ' ', 'x'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    )
    const chunks = fc.array(fc.array(piece, { maxLength: 8 }), { maxLength: 6 })
    fc.assert(
      fc.property(chunks, (all) => {
        expect(shown(...all.map((pieces) => pieces.join('')))).not.toMatch(harmful)
      }),
      { numRuns: 2_000 },
    )
  })

  it('holds back no more than the beginning of one sequence', () => {
    const text = createTerminalText()
    let given = 0
    for (let round = 0; round < 1_000; round++)
      given += text.push(Buffer.from(`${esc}]${'x'.repeat(10_000)}`)).length
    expect(given).toBeGreaterThan(9_900_000)
  })
})

/** An escape that is no colour, or a control byte that a terminal obeys. */
const harmful = new RegExp(
  `${esc}(?!\\[[0-9;:]*m)|[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001a\\u001c-\\u001f\\u007f-\\u009f]`,
)
