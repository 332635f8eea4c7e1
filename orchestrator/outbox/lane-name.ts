import { createHash } from 'node:crypto'

/** The lane of what has these words in common, fit for a key of Redis whatever the words are. */
export function laneName(words: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 32)
}
