/** bytes */
export const pageSize = 4096

/** What stands in the place of a secret. */
const star = 0x2a

/** Fewer bytes of a secret than this, at the border of a page, are left: they are found everywhere. */
const fewest = 6

/**
 * Overwrites every needle in a run of a guest's memory that begins at a page, and gives where something was changed, as
 * ranges of the buffer. A guest's pages lie in any order, so one needle may end on one page and go on in another place:
 * its beginning at the end of a page, its end at the beginning of one, and a page that is wholly its own are overwritten
 * too.
 */
export function scrubPages(memory: Buffer, needles: readonly Buffer[]): Range[] {
  const ranges: Range[] = []
  const found = (start: number, length: number) => ranges.push({ start, length })
  for (const needle of needles) {
    for (let at = memory.indexOf(needle); at !== -1; at = memory.indexOf(needle, at + needle.length)) {
      found(at, needle.length)
    }
    if (needle.length <= fewest) continue
    for (let page = 0; page < memory.length; page += pageSize) {
      const end = Math.min(page + pageSize, memory.length)
      const begun = longestBegun(memory, end, needle)
      if (begun > 0) found(end - begun, begun)
      const ended = longestEnded(memory, page, needle)
      if (ended > 0) found(page, ended)
      if (end - page === pageSize && needle.includes(memory.subarray(page, end))) found(page, pageSize)
    }
  }
  // Only now, for one needle may be a part of another, whose rest would be taken for something else.
  for (const { start, length } of ranges) memory.fill(star, start, start + length)
  return ranges
}

/** bytes from the beginning of the buffer */
export type Range = { readonly start: number; readonly length: number }

/** How many bytes of the needle's beginning stand before `end`, in its page. */
function longestBegun(memory: Buffer, end: number, needle: Buffer): number {
  for (let length = Math.min(needle.length - 1, pageSize); length >= fewest; length--) {
    const start = end - length
    if (memory[start] !== needle[0] || memory[end - 1] !== needle[length - 1]) continue
    if (needle.compare(memory, start, end, 0, length) === 0) return length
  }
  return 0
}

/** How many bytes of the needle's end stand at `start`, in its page. */
function longestEnded(memory: Buffer, start: number, needle: Buffer): number {
  for (let length = Math.min(needle.length - 1, pageSize); length >= fewest; length--) {
    const from = needle.length - length
    if (memory[start] !== needle[from] || memory[start + length - 1] !== needle[needle.length - 1]) continue
    if (needle.compare(memory, start, start + length, from) === 0) return length
  }
  return 0
}
