import type { BookLine } from './with-books.ts'

/** How long each attempt stood in line before a host took it, and how many ms that were. */
export type TimeInLine = { readonly id: string; readonly queued: number; readonly claimed: number }

/** Of all attempts that a host took, in the order in which they were taken; times as in the books. */
export function timesInLine(books: readonly BookLine[]): TimeInLine[] {
  const queued = new Map<string, number>()
  const times: TimeInLine[] = []
  for (const { id, state, attempt, at } of books) {
    const name = `${id} ${attempt}`
    if (state === 'queued') queued.set(name, at)
    const since = queued.get(name)
    if (state === 'claimed' && since !== undefined) times.push({ id, queued: since, claimed: at })
  }
  return times
}
