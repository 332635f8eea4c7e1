import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { processIdentity } from '../../images/process-identity.ts'
import { inheritable } from '../qemu/inheritable.ts'
import type { QemuExit, QemuProcess } from '../qemu/spawn-qemu.ts'
import { keeperScript } from './keeper-script.ts'
import { keptProcess } from './kept-process.ts'
import { noLease, writeLease } from './lease.ts'
import { readTail } from './read-tail.ts'

export type KeptFiles = {
  readonly lease: string
  /** Where the keeper leaves how QEMU ended. */
  readonly exit: string
}

type SpawnKept = {
  readonly command: readonly string[]
  readonly logFile: string
  readonly inherited: number | undefined
  readonly kept: KeptFiles
}

/**
 * Starts QEMU under a keeper, with a lease that ends with us until another is written. How it ended where it could not
 * be started at all.
 */
export async function spawnKept(spawn: SpawnKept): Promise<QemuProcess | QemuExit> {
  const { command, logFile, inherited, kept } = spawn
  await writeLease(kept.lease, noLease)
  const keeper = execa('sh', ['-c', keeperScript, 'keeper', logFile, kept.lease, kept.exit, ...command], {
    stdio: ['ignore', 'pipe', 'ignore', ...inheritable(inherited)],
    buffer: false,
    reject: false,
    // Its end is its lease's, and not that of whoever started it.
    cleanup: false,
    detached: true,
  })
  const ended = keeper.then(({ exitCode }) => exitCode)
  const pid = keeper.stdout === null ? undefined : await firstNumber(keeper.stdout)
  const identity = pid === undefined ? undefined : processIdentity(pid)
  if (identity !== undefined)
    return keptProcess({ identity, logFile, exitFile: kept.exit, keeperEnded: ended })
  return { code: await ended, signal: undefined, stderr: await readTail(logFile) }
}

async function firstNumber(output: NodeJS.ReadableStream): Promise<number | undefined> {
  for await (const line of createInterface({ input: output })) return Number(line)
  return undefined
}
