import { distance } from 'fastest-levenshtein'

/**
 * The known word that a mistyped one most likely meant, or undefined where none is close.
 * A beginning of at least three letters counts as closest: `mem` means `memory`, `ubuntu-24` means `ubuntu-24.04`.
 */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  const wanted = word.slice(0, 200).toLowerCase()
  const longer = wanted.length < 3 ? undefined : known.find((each) => each.toLowerCase().startsWith(wanted))
  if (longer !== undefined) return longer
  let best: { candidate: string; edits: number } | undefined
  for (const candidate of known) {
    const edits = editsBetween(wanted, candidate.toLowerCase())
    if (best === undefined || edits < best.edits) best = { candidate, edits }
  }
  return best !== undefined && best.edits <= allowedEdits(wanted) ? best.candidate : undefined
}

// Swapped neighbours (`evn`) are one slip of the fingers, not the two edits that Levenshtein counts.
const editsBetween = (word: string, candidate: string): number => {
  const edits = distance(word, candidate)
  return edits === 2 && lettersOf(word) === lettersOf(candidate) ? 1 : edits
}

const lettersOf = (word: string): string => [...word].sort().join('')

// A short word is soon turned into any other; a long one may have several slips.
const allowedEdits = (word: string): number => {
  if (word.length <= 3) return 1
  return Math.max(2, Math.floor(word.length / 3))
}
