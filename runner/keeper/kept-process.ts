import { readFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, type ProcessIdentity } from '../../images/process-identity.ts'
import type { QemuExit, QemuProcess } from '../qemu/spawn-qemu.ts'
import { readTail } from './read-tail.ts'

type KeptProcess = {
  readonly identity: ProcessIdentity
  /** What QEMU printed. */
  readonly logFile: string
  /** Where its keeper leaves how it ended. */
  readonly exitFile: string
  /** Settles when the keeper has ended; undefined where it is not our child. */
  readonly keeperEnded?: Promise<unknown>
}

const lookMs = 100

/** QEMU under a keeper, whoever started the two. */
export function keptProcess({ identity, logFile, exitFile, keeperEnded }: KeptProcess): QemuProcess {
  const waitForEnd = async (): Promise<QemuExit> => {
    await (keeperEnded ?? untilGone(identity))
    const [end, stderr] = await Promise.all([readEnd(exitFile, keeperEnded === undefined), readTail(logFile)])
    return { ...end, stderr }
  }
  return {
    pid: identity.pid,
    identity,
    exited: waitForEnd(),
    kill: (signal) => {
      if (isAlive(identity)) process.kill(identity.pid, signal)
    },
  }
}

async function untilGone(identity: ProcessIdentity): Promise<void> {
  while (isAlive(identity)) await sleep(lookMs, undefined, { ref: false })
}

/** The keeper writes it a moment after the end. Of one that was killed itself nothing is known. */
async function readEnd(file: string, mayCome: boolean): Promise<Omit<QemuExit, 'stderr'>> {
  for (let tries = mayCome ? 10 : 1; tries > 0; tries--) {
    const text = await readFile(file, 'latin1').catch(() => '')
    if (/^\d+\n$/.test(text)) return endOfCode(Number(text))
    if (tries > 1) await sleep(lookMs, undefined, { ref: false })
  }
  return { code: undefined, signal: 'SIGKILL' }
}

/** A shell says 128 and the signal's number of a child that was killed. */
function endOfCode(code: number): Omit<QemuExit, 'stderr'> {
  const [signal] = Object.entries(constants.signals).find(([, number]) => number === code - 128) ?? []
  return signal === undefined ? { code, signal: undefined } : { code: undefined, signal }
}
