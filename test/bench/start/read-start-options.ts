import { ConfigError } from '../../../config/errors.ts'
import { readFlags } from '../read-flags.ts'
import { crowds, isPeer, type What, whats } from './contender.ts'

export type StartOptions = {
  readonly runs: number
  /** Rounds in which the peers take part. */
  readonly peerRuns: number
  /** Those that get a turn. */
  readonly only: readonly What[]
  readonly atOnce: readonly number[]
  /** Files that are written at the end. */
  readonly json: string | undefined
  readonly markdown: string | undefined
  readonly svg: string | undefined
}

const flags = {
  runs: { type: 'string', default: '10' },
  peers: { type: 'string' },
  only: { type: 'string' },
  'at-once': { type: 'string' },
  json: { type: 'string' },
  markdown: { type: 'string' },
  svg: { type: 'string' },
} as const

/** @throws {ConfigError} saying what was expected */
export function readStartOptions(args: readonly string[]): StartOptions {
  const { runs, peers, only, 'at-once': atOnce, json, markdown, svg } = readFlags(args, flags)
  const count = wholeNumber('--runs', runs, 1)
  const peerRuns = peers === undefined ? Math.min(count, 3) : wholeNumber('--peers', peers, 0)
  const counts = atOnce === undefined ? crowds : listOf('--at-once', atOnce, crowds.map(String)).map(Number)
  const wanted = only === undefined ? whats : listOf('--only', only, whats)
  const hasPeers = peerRuns > 0 && counts.includes(1)
  return {
    ...{ runs: count, peerRuns, atOnce: counts, json, markdown, svg },
    only: wanted.filter((what) => hasPeers || !isPeer(what)),
  }
}

function wholeNumber(flag: string, text: string, least: number): number {
  if (/^\d{1,4}$/.test(text) && Number(text) >= least) return Number(text)
  throw new ConfigError(`expected ${flag} with a whole number from ${least} to 9999, got ${text}`)
}

/** Those that a list with commas names, in their usual order. */
function listOf<T extends string>(flag: string, text: string, known: readonly T[]): T[] {
  const wanted = text.split(',').map((name) => name.trim())
  const strange = wanted.find((name) => !known.some((one) => one === name))
  if (strange === undefined) return known.filter((name) => wanted.includes(name))
  throw new ConfigError(`expected ${flag} with some of ${known.join(',')}, got ${JSON.stringify(strange)}`)
}
