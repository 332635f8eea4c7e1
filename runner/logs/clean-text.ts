/**
 * What a person would read of a console's or a step's bytes: no escape sequence, no control byte but line break
 * and tab, U+FFFD for what is not UTF-8.
 *
 * A carriage return hides nothing and splits nothing: `Ker\rnel pan\ric` is `Kernel panic` (two writers on one
 * serial line do that), `\r\n` is a line break, and one followed by "erase line", which redraws a progress
 * display, is a line break too, so that each state of the display is a line.
 */
export function cleanText(input: Buffer | string): string {
  const text = typeof input === 'string' ? input : input.toString('utf8')
  if (!unwanted.test(text)) return text
  return text.replace(redraws, '\n').replace(escapes, '').replace(controls, '')
}

const esc = '\\u001b'
const csi = `(?:${esc}\\[|\\u009b)`

const unwanted = pattern('[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]', '')

const redraws = pattern(`\\r${csi}[0-2]?K`)

/** ECMA-48: control strings up to their end, control sequences, then every shorter escape. */
const escapes = pattern(
  [
    `${esc}[\\]PX^_][^\\u0007\\u001b\\u009c\\n]*(?:\\u0007|\\u009c|${esc}\\\\)`,
    `${csi}[0-?]*[ -/]*[@-~]?`,
    `${esc}[ -/]*[0-~]`,
  ].join('|'),
)

const controls = pattern('[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]')

/** Built from text, since a regular expression literal had to hold raw control characters. */
function pattern(source: string, flags = 'g'): RegExp {
  return new RegExp(source, flags)
}
