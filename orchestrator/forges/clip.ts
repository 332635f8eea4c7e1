/** A text cut to so many characters, counted as UTF-16 like the forges' own limits, without breaking a pair. */
export function clip(text: string, most: number): string {
  if (text.length <= most) return text
  const kept = text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')
  return `${kept}…`
}
