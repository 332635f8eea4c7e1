/**
 * Makes a guest's output fit for a person's terminal: colours stay, every other escape sequence and control byte
 * goes, for a job must not move the cursor, set the title or answer for the keyboard.
 */
export function createTerminalText(): { push(chunk: Buffer): string } {
  const decoder = new TextDecoder()
  let held = ''
  return {
    push(chunk) {
      const text = held + decoder.decode(chunk, { stream: true })
      const cut = unfinishedEscape(text)
      held = text.slice(cut)
      return clean(text.slice(0, cut))
    },
  }
}

const longestEscape = 4096

/** Where an escape sequence begins that the text ends in the middle of; the text's length where there is none. */
function unfinishedEscape(text: string): number {
  const start = text.lastIndexOf('\x1b')
  if (start < 0 || text.length - start > longestEscape) return text.length
  const sequence = new RegExp(`^(?:${escapeSequence.source})`).exec(text.slice(start))
  return sequence === null ? start : text.length
}

const esc = '\\u001b'

// Control sequences, control strings up to their end, and two-byte escapes (ECMA-48, section 5).
const escapeSequence = pattern(
  [
    `${esc}\\[[0-?]*[ -/]*[@-~]`,
    `${esc}[\\]PX^_][^\\u0007\\u001b]*(?:\\u0007|${esc}\\\\)`,
    `${esc}[ -/]*[0-OQ-WYZ\\\\\`-~]`,
  ].join('|'),
)
const colour = pattern(`^${esc}\\[[0-9;:]*m$`, '')
const controls = pattern('[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001a\\u001c-\\u001f\\u007f-\\u009f]')
const strayEscape = pattern(`${esc}(?!\\[[0-9;:]*m)`)

/** Built from text, since a regular expression literal would have to hold raw control characters. */
function pattern(source: string, flags = 'g'): RegExp {
  return new RegExp(source, flags)
}

function clean(text: string): string {
  return text
    .replace(escapeSequence, (sequence) => (colour.test(sequence) ? sequence : ''))
    .replace(strayEscape, '')
    .replace(controls, '')
}
