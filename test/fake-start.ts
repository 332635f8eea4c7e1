import type { MachineOrder, StartMachine } from '../runner/job/job-order.ts'
import { endError } from '../runner/machine/end-error.ts'
import type { GateTime, MachineEnd } from '../runner/machine/machine.ts'
import { untilAborted } from '../runner/until-aborted.ts'
import { createFakeMachine, type FakeMachine, type FakeMachineOptions } from './fake-machine.ts'

export type FakeStartOptions = FakeMachineOptions & {
  readonly boot?: {
    /** What the console says before the first gate. */
    readonly console?: string
    /** @defaultValue the four gates of a boot, half a second each, of which nobody waits for one */
    readonly gates?: readonly GateTime[]
    /** Takes the place of a machine: it hangs until it is aborted, ends, or fails with an error. */
    readonly instead?: 'hang' | MachineEnd | Error
  }
}

export type FakeStart = StartMachine & {
  /** What was asked for, in order. */
  readonly orders: readonly MachineOrder[]
  /** The machines that came up; one whose boot failed is not among them. */
  readonly machines: readonly FakeMachine[]
}

/** Starts fake machines that are as their order says, with the console and the gates of a boot. */
export function createFakeStart({ boot = {}, ...options }: FakeStartOptions = {}): FakeStart {
  const { gates = usualGates, instead } = boot
  const orders: MachineOrder[] = []
  const machines: FakeMachine[] = []

  const start = async (order: MachineOrder): Promise<FakeMachine> => {
    orders.push(order)
    order.signal.throwIfAborted()
    const { id, image, resources, network, userData } = order
    const facts = { image: image.name, imageDigest: image.digest, ...resources, network, gates }
    const customUserData = userData !== undefined
    const machine = createFakeMachine({
      ...options,
      id,
      facts: { ...facts, customUserData, ...options.facts },
    })
    machine.console.listen(order.onConsole)
    if (boot.console !== undefined) machine.console.say(boot.console)
    if (instead instanceof Error) throw instead
    if (instead === 'hang') await untilAborted(new Promise<never>(() => undefined), order.signal)
    else if (instead !== undefined) throw endError(instead)
    for (const gate of gates) order.onGate(gate)
    machines.push(machine)
    return machine
  }

  return Object.assign(start, { orders, machines })
}

const usualGates: readonly GateTime[] = ['qmp', 'banner', 'auth', 'nonce'].map((name) => ({ name, ms: 500 }))
