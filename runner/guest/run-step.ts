import type { Client } from 'ssh2'
import { InfraError } from '../../config/errors.ts'
import type { StepCommand, StepExit } from '../machine/machine.ts'
import { exec } from '../ssh/exec.ts'
import { guestPaths } from './guest-paths.ts'
import { shellQuote } from './shell-quote.ts'

/** An SSH connection that is made anew when it broke; rejects when the machine is gone or stays silent. */
export type ConnectionSource = { connection(signal: AbortSignal): Promise<Client> }

type RunStep = { source: ConnectionSource; step: StepCommand; signal: AbortSignal; onNote: (text: string) => void }

const stopMs = 30_000

/**
 * Runs a step whose script is already in place, to its end. A connection that breaks is made anew and the output
 * goes on at the byte where it stopped; the step itself does not notice.
 */
export async function runStep({ source, step, signal, onNote }: RunStep): Promise<StepExit> {
  const deadline = step.timeout === undefined ? undefined : createDeadline(step.timeout)
  const both = deadline === undefined ? signal : AbortSignal.any([signal, deadline.signal])
  let received = 0
  const onOutput = async (chunk: Buffer) => {
    received += chunk.length
    await step.onOutput(chunk)
  }
  try {
    for (;;) {
      const client = await source.connection(both)
      try {
        const outcome = await exec({
          client,
          command: `${guestPaths.helper} run ${step.index} ${received} ${shellQuote(step.shell)}`,
          signal: both,
          onStdout: onOutput,
        })
        if (outcome.code !== undefined) return parseStatus(outcome.stderr.toString('utf8'))
      } catch (error) {
        both.throwIfAborted()
        onNote(`the connection broke during the step (${messageOf(error)})`)
      }
      client.destroy()
      onNote(`reading on from byte ${received}`)
    }
  } catch (error) {
    if (signal.aborted || deadline?.signal.aborted !== true) throw error
    await stopStep({ source, index: step.index, signal })
    return { kind: 'timed-out', timeout: step.timeout ?? 0 }
  } finally {
    deadline?.clear()
  }
}

function parseStatus(stderr: string): StepExit {
  const last = stderr.trimEnd().split('\n').at(-1) ?? ''
  const exit = /^exit (\d{1,3}) (-|\d+)$/.exec(last)
  if (exit) {
    const code = Number(exit[1])
    return { kind: 'exited', code, diskFull: exit[2] !== '-' && Number(exit[2]) < 1024 }
  }
  if (last === 'gone') return { kind: 'killed' }
  throw new InfraError('machine-died', `expected a step's status from the machine, got: ${last.slice(0, 200)}`)
}

// TERM lets a test runner write its report; KILL ends what did not listen. A guest too busy to do either is
// destroyed with its machine soon after, so a failure here is not one.
async function stopStep({ source, index, signal }: { source: ConnectionSource; index: number; signal: AbortSignal }) {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(stopMs)])
  try {
    const client = await source.connection(bounded)
    await exec({ client, command: `${guestPaths.helper} stop ${index}`, signal: bounded })
  } catch {
    signal.throwIfAborted()
  }
}

function createDeadline(timeout: number) {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new Error('step timed out')), timeout)
  return { signal: controller.signal, clear: () => clearTimeout(timer) }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
