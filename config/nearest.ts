import { distance } from 'fastest-levenshtein'

/**
 * The known word that a mistyped one most likely meant, or undefined where none is close.
 * A beginning of at least three letters counts as close: `mem` means `memory`.
 */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  const wanted = word.slice(0, 200).toLowerCase()
  let best: { candidate: string; edits: number } | undefined
  for (const candidate of known) {
    const edits = distance(wanted, candidate.toLowerCase())
    if (best === undefined || edits < best.edits) best = { candidate, edits }
  }
  if (best !== undefined && best.edits <= allowedEdits(wanted)) return best.candidate
  if (wanted.length < 3) return undefined
  return known.find((candidate) => candidate.toLowerCase().startsWith(wanted))
}

// A short word is soon turned into any other; a long one may have several slips.
const allowedEdits = (word: string): number => {
  if (word.length <= 3) return 1
  return Math.max(2, Math.floor(word.length / 3))
}
