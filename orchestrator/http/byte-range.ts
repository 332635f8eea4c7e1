/**
 * The one range of a Range header (RFC 9110, section 14), end exclusive. Undefined for a header that is absent or not
 * understood, which asks for everything.
 */
export function byteRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '')
  if (found === null || (found[1] === '' && found[2] === '')) return undefined
  if (found[1] === '') {
    const last = Math.min(Number(found[2]), size)
    return last === 0 ? 'unsatisfiable' : { start: size - last, end: size }
  }
  const start = Number(found[1])
  const end = found[2] === '' ? size : Math.min(Number(found[2]) + 1, size)
  return start >= size || end <= start ? 'unsatisfiable' : { start, end }
}
