import { parseDuration } from '../../../config/duration.ts'
import { ConfigError } from '../../../config/errors.ts'
import type { Terminal } from './terminal-shell.ts'

/** Longer than anybody waits, and shorter than what a timer can count. */
const longestMs = 7 * 86_400_000

/** Milliseconds of `--keep-for`. Throws ConfigError for what is none, or longer than a week. */
export function parseKeepFor(text: string): number {
  const ms = parseDuration(text)
  if (ms > 0 && ms <= longestMs) return ms
  throw new ConfigError(`expected --keep-for of more than nothing and at most 7d, got ${text}`)
}

/** The terminal of this process, where somebody sits who can type and read. */
export function ownTerminal(): Terminal | undefined {
  const { stdin, stdout } = process
  return stdin.isTTY && stdout.isTTY ? { input: stdin, output: stdout } : undefined
}
