import type { Row } from './row.ts'

/** What a run leaves: with `--json` just so in a file, and what tables and picture are made of. */
export type StartResult = {
  /** The host in one line, without which no figure means anything. */
  readonly host: string
  readonly rows: readonly Row[]
}
