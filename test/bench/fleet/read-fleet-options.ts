import { ConfigError } from '../../../config/errors.ts'
import { readFlags } from '../read-flags.ts'

export type FleetOptions = {
  readonly hosts: number
  readonly jobs: number
  /** Of the hosts' processes, that are killed on the way; half of them come back. */
  readonly killPercent: number
  /** Of the hosts' processes, that stand still until they are taken for lost, and then go on. */
  readonly freezePercent: number
  readonly seed: number
  /** File that is written at the end. */
  readonly json: string | undefined
  /** Folder in which a process of hosts writes where its time went. */
  readonly profile: string | undefined
}

const flags = {
  hosts: { type: 'string', default: '200' },
  jobs: { type: 'string', default: '20000' },
  kill: { type: 'string', default: '10' },
  freeze: { type: 'string', default: '5' },
  seed: { type: 'string', default: '1' },
  json: { type: 'string' },
  profile: { type: 'string' },
} as const

/** @throws {ConfigError} saying what was expected */
export function readFleetOptions(args: readonly string[]): FleetOptions {
  const { hosts, jobs, kill, freeze, seed, json, profile } = readFlags(args, flags)
  const options = {
    hosts: wholeNumber('--hosts', hosts, { least: 2, most: 1000 }),
    jobs: wholeNumber('--jobs', jobs, { least: 100, most: 1_000_000 }),
    killPercent: wholeNumber('--kill', kill, { least: 0, most: 50 }),
    freezePercent: wholeNumber('--freeze', freeze, { least: 0, most: 40 }),
    seed: wholeNumber('--seed', seed, { least: 0, most: 2 ** 32 - 1 }),
  }
  return { ...options, json, profile }
}

type Bounds = { readonly least: number; readonly most: number }

function wholeNumber(flag: string, text: string, { least, most }: Bounds): number {
  if (/^\d{1,10}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text)
  throw new ConfigError(`expected ${flag} with a whole number from ${least} to ${most}, got ${text}`)
}
