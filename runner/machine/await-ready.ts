import { formatDuration } from '../../config/duration.ts'
import { InfraError } from '../../config/errors.ts'
import { linesAround } from '../logs/lines-around.ts'
import { createBootBudget } from './boot-budget.ts'
import type { BootOrder } from './boot-order.ts'
import { endError } from './end-error.ts'
import { KilledOnHost } from './killed-on-host.ts'
import { type Gate, GateError, passGates } from './pass-gates.ts'
import type { QemuMachine } from './qemu-machine.ts'

type AwaitReady = { order: BootOrder; machine: QemuMachine; gates: readonly Gate[] }

/**
 * Passes the gates of a machine that was just started, within what the host file gives a boot; a machine that does
 * not pass them is destroyed.
 *
 * Throws InfraError that says why in one sentence, or the signal's reason.
 */
export async function awaitReady({ order, machine, gates }: AwaitReady): Promise<void> {
  const { host, signal, onGate } = order
  const started = performance.now()
  const budget = createBootBudget({ pid: machine.pid, console: machine.console, ...host.boot })
  const both = AbortSignal.any([signal, budget.signal, machine.gone])
  try {
    machine.facts.gates.push(...(await passGates({ gates, signal: both, onGate })))
  } catch (error) {
    const fault = signal.aborted
      ? signal.reason
      : await bootFault({ order, machine, error, ms: performance.now() - started })
    await machine.destroy('now')
    throw fault
  } finally {
    budget.end()
  }
}

type BootFault = { order: BootOrder; machine: QemuMachine; error: unknown; ms: number }

// One sentence that says why, from the most telling to the least: the console, the machine's end, the gate itself.
async function bootFault({ order, machine, error, ms }: BootFault): Promise<InfraError> {
  const end = await machine.endWithin(500)
  const lines = machine.console.tail(40)
  order.onNote(
    lines.length === 0 ? 'the console stayed empty' : `the last lines of the console:\n${lines.join('\n')}`,
  )
  if (end !== undefined && end.kind !== 'stopped') {
    const { class: failure, message, hint } = endError(end)
    const evidence = machine.evidenceOf(end)
    const wasKilled = end.kind === 'killed' && (end.signal === 'SIGKILL' || end.signal === 'SIGTERM')
    const Fault = wasKilled ? KilledOnHost : InfraError
    return new Fault(failure === 'machine-died' ? 'boot' : failure, `the machine did not boot: ${message}`, {
      ...{ hint, evidence: evidence.length > 0 ? evidence : lines.slice(-5) },
    })
  }
  const finding = machine.findings.at(-1)
  const gate = error instanceof GateError ? error.gate : undefined
  const why =
    finding === undefined ? (error instanceof Error ? error.message : String(error)) : finding.sentence
  const failure = finding?.kind === 'guest-panic' || finding?.kind === 'guest-oom' ? finding.kind : 'boot'
  return new InfraError(
    failure,
    `the machine did not pass gate ${gate?.name ?? '?'} in ${formatDuration(ms)}: ${why}`,
    {
      hint: finding?.hint ?? gate?.hint,
      evidence:
        finding === undefined ? lines.slice(-5) : linesAround(machine.console.tail(200), finding.line),
      cause: error,
    },
  )
}
