import { readFileSync } from 'node:fs'

/**
 * One process and no other: a pid alone is given to a stranger once its owner is gone.
 * `startTime` is in clock ticks since the host's boot (proc(5), stat field 22).
 */
export type ProcessIdentity = { readonly pid: number; readonly startTime: number }

/** Undefined where no such process runs; a zombie counts as gone. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid)
  return stat === undefined ? undefined : parseStat(pid, stat)
}

/** Whether that very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return processIdentity(identity.pid)?.startTime === identity.startTime
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
