import type { Client } from 'ssh2'
import { InfraError } from '../../config/errors.ts'
import type { StepCommand, StepExit } from '../machine/machine.ts'
import { exec } from '../ssh/exec.ts'
import { timeLimit } from '../time-limit.ts'
import { stepAhead } from './ahead-commands.ts'
import { guestPaths } from './guest-paths.ts'
import { shellQuote } from './shell-quote.ts'

/** An SSH connection that is made anew when it broke; rejects when the machine is gone or stays silent. */
export type ConnectionSource = {
  connection(signal: AbortSignal): Promise<Client>
  /** Gives up a connection that no longer serves. */
  drop(client: Client): void
}

type RunStep = {
  source: ConnectionSource
  step: StepCommand
  signal: AbortSignal
  onNote: (text: string) => void
}

const stopMs = 30_000

/**
 * Runs a step whose script is already in place, to its end. A connection that breaks is made anew and the output
 * goes on at the byte where it stopped; the step itself does not notice.
 */
export async function runStep({ source, step, signal, onNote }: RunStep): Promise<StepExit> {
  const limit = step.timeout === undefined ? undefined : timeLimit(signal, step.timeout)
  const both = limit?.signal ?? signal
  let received = step.heard ?? 0
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
          command: `sh ${guestPaths.helper} run ${step.index} ${received} ${shellQuote(step.shell)}`,
          // Only on the connection that was there before the step, so always from the first byte on.
          ahead: { command: stepAhead(step.index), input: `${step.shell}\n` },
          signal: both,
          onStdout: onOutput,
        })
        if (outcome.code !== undefined) return parseStatus(outcome.stderr.toString('utf8'))
      } catch (error) {
        both.throwIfAborted()
        // Not the connection's fault: the disk that the output is written to is full.
        if (error instanceof InfraError) throw error
        onNote(`the connection broke during the step (${messageOf(error)})`)
      }
      source.drop(client)
      onNote(`reading on from byte ${received}`)
    }
  } catch (error) {
    if (signal.aborted || limit?.isOver() !== true) throw error
    const answers = await stopStep({ source, index: step.index, signal })
    return { kind: 'timed-out', timeout: step.timeout ?? 0, answers }
  } finally {
    limit?.clear()
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
  throw new InfraError(
    'machine-died',
    `expected a step's status from the machine, got: ${last.slice(0, 200)}`,
  )
}

// TERM lets a test runner write its report; KILL ends what did not listen. A guest too busy to do either is
// destroyed with its machine soon after, so a failure here is not one. Whether it answered.
async function stopStep({
  source,
  index,
  signal,
}: {
  source: ConnectionSource
  index: number
  signal: AbortSignal
}): Promise<boolean> {
  const limit = timeLimit(signal, stopMs)
  try {
    const client = await source.connection(limit.signal)
    await exec({ client, command: `sh ${guestPaths.helper} stop ${index}`, signal: limit.signal })
    return true
  } catch {
    signal.throwIfAborted()
    return false
  } finally {
    limit.clear()
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
