const quote = 0x22
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/**
 * Whether brackets stand more than `most` deep in a JSON text, told without parsing it: whatever walks the parsed
 * value afterwards may recurse without fear for the stack.
 */
export function jsonNestsTooDeep(json: Buffer, most: number): boolean {
  let depth = 0
  let inString = false
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] ?? 0
    if (inString) {
      if (byte === backslash) at++
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (byte === openBrace || byte === openBracket) {
      if (++depth > most) return true
    } else if (byte === closeBrace || byte === closeBracket) depth--
  }
  return false
}
