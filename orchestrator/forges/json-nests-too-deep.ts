const quote = 0x22
const backslash = 0x5c
const opening = new Set([0x5b, 0x7b])
const closing = new Set([0x5d, 0x7d])

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
    else if (opening.has(byte)) {
      if (++depth > most) return true
    } else if (closing.has(byte)) depth--
  }
  return false
}
