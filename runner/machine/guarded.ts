import { ConfigError, InfraError } from '../../config/errors.ts'
import type { ConsoleFinding } from '../logs/console-watch.ts'
import { linesAround } from '../logs/lines-around.ts'
import { withoutTimestamp } from '../logs/without-timestamp.ts'
import { isSftpAnswer } from '../ssh/sftp.ts'
import { untilAborted } from '../until-aborted.ts'
import type { Console, MachineEnd } from './machine.ts'

/** What tells the reasons of a failed call apart. */
type Watched = {
  /** Aborted with the machine's end as an InfraError. */
  readonly gone: AbortSignal
  readonly findings: readonly ConsoleFinding[]
  readonly console: Pick<Console, 'tail'>
  endWithin(ms: number): Promise<MachineEnd | undefined>
}

type Guarded<T> = {
  machine: Watched
  signal: AbortSignal
  call: (signal: AbortSignal) => Promise<T>
}

/** A dead machine shows first as a broken connection; its own end follows within this time. */
const endDelayMs = 1_500

/**
 * Runs a call into the guest so that its failure names what really happened: the caller's abort, the machine's end,
 * a guest that panicked without ending QEMU, or else the lost connection. What the guest's SFTP server itself
 * answers, such as that there is no such file, is left to the caller.
 */
export async function guarded<T>({ machine, signal, call }: Guarded<T>): Promise<T> {
  const either = AbortSignal.any([signal, machine.gone])
  try {
    return await untilAborted(call(either), either)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ConfigError || isSftpAnswer(error)) throw error
    await machine.endWithin(endDelayMs)
    signal.throwIfAborted()
    machine.gone.throwIfAborted()
    if (error instanceof InfraError && error.class !== 'ssh-lost') throw error
    const finding = machine.findings.find(({ kind }) => kind === 'guest-panic' || kind === 'guest-oom')
    if (finding !== undefined) {
      const failure = finding.kind === 'guest-panic' ? 'guest-panic' : 'guest-oom'
      throw new InfraError(failure, `${finding.sentence}: ${withoutTimestamp(finding.line)}`, {
        hint: finding.hint,
        evidence: linesAround(machine.console.tail(200), finding.line),
        cause: error,
      })
    }
    if (error instanceof InfraError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new InfraError('ssh-lost', `the connection to the machine failed: ${message}`, {
      hint: 'a step may have stopped sshd, filled the memory or cut the network; see the console',
      evidence: machine.console.tail(5),
      cause: error,
    })
  }
}
