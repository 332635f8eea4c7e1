import { readFileSync } from 'node:fs'
import { z } from 'zod'

export const processIdentitySchema = z.object({
  pid: z.number().int(),
  /** Clock ticks since the host's boot (proc(5), stat field 22). */
  startTime: z.number(),
  /** The boot that they count from: after another one the same service may well start at the same tick. */
  boot: z.string().optional(),
})

/** One process and no other: a pid alone is given to a stranger once its owner is gone. */
export type ProcessIdentity = Readonly<z.infer<typeof processIdentitySchema>>

/** Undefined where no such process runs; a zombie counts as gone. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid)
  const found = stat === undefined ? undefined : parseStat(pid, stat)
  return found && { ...found, boot: bootId() }
}

/** Whether that very process still runs. */
export function isAlive({ pid, startTime, boot }: ProcessIdentity): boolean {
  const now = processIdentity(pid)
  return now?.startTime === startTime && (boot === undefined || boot === now.boot)
}

/** This process. Throws only where /proc is not mounted. */
export function ownIdentity(): ProcessIdentity {
  const identity = processIdentity(process.pid)
  if (identity === undefined) {
    throw new Error(
      `expected /proc/${process.pid}/stat to describe this process, got nothing; is /proc mounted?`,
    )
  }
  return identity
}

let knownBoot: string | undefined

/** Of this boot of the host; undefined where the kernel does not say. */
function bootId(): string | undefined {
  try {
    knownBoot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    // Ticks alone tell processes apart then.
  }
  return knownBoot
}

function readStat(pid: number): string | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) {
    return undefined
  }
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
}

/** The second field is the command's name, which may hold blanks and brackets: count from the last bracket. */
export function parseStat(pid: number, stat: string): ProcessIdentity | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  const startTime = Number(fields[19])
  const gone = state === 'Z' || state === 'X' || state === 'x'
  return gone || !Number.isSafeInteger(startTime) || fields[19] === undefined ? undefined : { pid, startTime }
}
