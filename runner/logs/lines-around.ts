const before = 2
const after = 4

/** The lines around the one that says it, where that is among them; else that one alone. Empty lines are left out. */
export function linesAround(lines: readonly string[], line: string): string[] {
  const told = lines.filter((one) => one.trim() !== '')
  const at = told.lastIndexOf(line)
  return at === -1 ? [line] : told.slice(Math.max(0, at - before), at + after + 1)
}
