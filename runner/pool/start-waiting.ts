import type { ShelfImage } from '../../images/image.ts'
import { workFolder } from '../guest/guest-paths.ts'
import type { MachineOrder, StartMachine } from '../job/job-order.ts'
import type { Machine } from '../machine/machine.ts'
import type { PoolWant } from './pool-want.ts'

type StartWaiting = {
  readonly id: string
  readonly want: PoolWant
  readonly image: ShelfImage
  readonly start: StartMachine
  readonly signal: AbortSignal
  /** Hears what is said of the machine until a job does. */
  readonly onNote: (text: string) => void
}

/** A machine that is ready for a job, whichever that will be. */
export type WaitingMachine = {
  readonly machine: Machine
  /** From now on the job hears what is said of the machine, and of its console all from the first byte on. */
  readonly tell: (job: Pick<MachineOrder, 'onNote' | 'onConsole'>) => void
}

/**
 * Starts a machine that no job has yet, logged in and prepared.
 *
 * Throws InfraError with its class, or the signal's reason; nothing of the machine is left then.
 */
export async function startWaiting(order: StartWaiting): Promise<WaitingMachine> {
  const { id, want, image, start, signal } = order
  const { resources, network } = want
  const preparation = { workdir: workFolder(image.profile.user), env: {} }
  const ignore = () => undefined
  let { onNote } = order
  const machine = await start({
    ...{ id, image, resources, network, preparation, signal },
    userData: undefined,
    onGate: ignore,
    onNote: (text) => onNote(text),
    onConsole: ignore,
  })
  try {
    await machine.prepare(preparation, signal)
    await machine.rehearse(signal)
  } catch (error) {
    await machine.destroy('now')
    throw error
  }
  return {
    machine,
    tell: (job) => {
      onNote = job.onNote
      machine.console.listen(job.onConsole)
    },
  }
}
