import { createHash } from 'node:crypto'

/** Crockford's base 32 in lower case, as our ULIDs have it. */
const letters = '0123456789abcdefghjkmnpqrstvwxyz'

/** A ULID that is the same for the same words: `time` is its first ten letters, the rest a hash. */
export function ulidOf({ time, words }: { time: string; words: readonly string[] }): string {
  const hash = createHash('sha256').update(JSON.stringify(words)).digest()
  return time + [...hash.subarray(0, 16)].map((byte) => letters[byte % 32]).join('')
}
