/** A kernel's line without the seconds since its boot, for a sentence that quotes it. */
export function withoutTimestamp(line: string): string {
  return line.replace(/^\[\s*\d+\.\d+\]\s*/, '')
}
