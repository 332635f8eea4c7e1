import type { GateTime } from './machine.ts'

/** One thing that has to be so before a machine is ready, with what to look at when it is not. */
export type Gate = {
  readonly name: 'qmp' | 'restore' | 'thaw' | 'banner' | 'auth' | 'nonce' | 'user-data'
  readonly hint: string
  readonly pass: (signal: AbortSignal) => Promise<void>
}

export class GateError extends Error {
  readonly gate: Gate

  constructor(gate: Gate, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.gate = gate
  }
}

type PassGates = {
  gates: readonly Gate[]
  signal: AbortSignal
  onGate: (time: GateTime) => void
}

/** Passes the gates in order and times each; throws GateError naming the one that stayed shut. */
export async function passGates({ gates, signal, onGate }: PassGates): Promise<GateTime[]> {
  const times: GateTime[] = []
  for (const gate of gates) {
    const started = performance.now()
    try {
      await gate.pass(signal)
    } catch (error) {
      throw new GateError(gate, signal.aborted ? signal.reason : error)
    }
    const time = { name: gate.name, ms: performance.now() - started }
    times.push(time)
    onGate(time)
  }
  return times
}
