import { shellQuote } from './shell-quote.ts'

/** Shell lines that set and export variables, whatever is in their values. */
export function exportLines(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `export ${name}=${shellQuote(value)}`)
    .join('\n')
}
