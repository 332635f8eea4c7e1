import { createLineReader } from '../runner/logs/line-reader.ts'
import type { Console } from '../runner/machine/machine.ts'

export type FakeConsole = Console & {
  /** Prints on the console, as the guest's kernel would. */
  say(text: string): void
}

/** A boot console in memory: a listener hears every byte from the first on, however late it comes. */
export function createFakeConsole(): FakeConsole {
  const heard: Buffer[] = []
  const lines: string[] = []
  const listeners = new Set<(chunk: Buffer) => void>()
  const reader = createLineReader({ onLine: (line) => lines.push(line) })
  return {
    listen(onData) {
      for (const chunk of heard) onData(chunk)
      listeners.add(onData)
      return () => listeners.delete(onData)
    },
    tail: (count) => lines.slice(-count),
    say(text) {
      const chunk = Buffer.from(text)
      heard.push(chunk)
      reader.push(chunk)
      for (const onData of listeners) onData(chunk)
    },
  }
}
