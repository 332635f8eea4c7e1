import type { ConsoleFindingKind, ConsolePattern } from './console-patterns.ts'
import { consolePatterns } from './console-patterns.ts'
import { createLineReader } from './line-reader.ts'

export type ConsoleFinding = Omit<ConsolePattern, 'pattern'> & {
  /** The cleaned line that said it. */
  readonly line: string
}

export type ConsoleWatch = { push(chunk: Buffer): void; end(): void }

/** A line without an end is looked at too while it is this short: prompts never get a line break. */
const longestPrompt = 200

/** Looks for what console lines say of the machine; each kind is handed over once, the first time. */
export function createConsoleWatch(onMatch: (finding: ConsoleFinding) => void): ConsoleWatch {
  const seen = new Set<ConsoleFindingKind>()

  const look = (line: string): void => {
    const match = consolePatterns.find(({ pattern }) => pattern.test(line))
    if (match === undefined || seen.has(match.kind)) return
    seen.add(match.kind)
    const { pattern: _, ...finding } = match
    onMatch({ ...finding, line })
  }

  const reader = createLineReader({ onLine: look })
  return {
    push(chunk) {
      reader.push(chunk)
      const prompt = reader.pending()
      if (prompt !== '' && prompt.length <= longestPrompt) look(prompt)
    },
    end: () => reader.end(),
  }
}
