import { InfraError } from '../../config/errors.ts'
import { takeLock } from '../../images/lock.ts'
import type { BootOrder } from '../machine/boot-order.ts'
import { NoMemory } from '../machine/check-memory.ts'
import { KilledOnHost } from '../machine/killed-on-host.ts'
import type { Machine } from '../machine/machine.ts'
import { CannotFreeze } from '../template/build-template.ts'
import { cloneMachine } from '../template/clone-machine.ts'
import { ensureTemplate } from '../template/ensure-template.ts'
import { checkpointsFolder, templateLock } from '../template/filenames.ts'
import { knownFailure } from '../template/known-failure.ts'
import type { Template } from '../template/template.ts'
import { removeTemplate, touchTemplate } from '../template/template-shelf.ts'
import { type CheckpointKey, checkpointKey } from './checkpoint-key.ts'
import { findCheckpoint } from './find-checkpoint.ts'
import { recordSetup } from './record-setup.ts'
import type { Setup } from './setup.ts'

type StartWithSetup = {
  readonly order: BootOrder
  readonly setup: Setup
  /** Starts a machine that keeps nothing and in which the setup has to run; told why. */
  readonly startAnew: (why: string, signal: AbortSignal) => Promise<Machine>
}

/**
 * Starts the machine of a job that has a setup: from the checkpoint of that setup, else one that will keep what the
 * setup makes, else one that keeps nothing. Which of them it is, `facts.checkpoint` says. Jobs that want the same wait
 * for the one that makes it.
 *
 * Throws InfraError with its class, ConfigError where this host could never run it, or the signal's reason.
 */
export async function startWithSetup({ order, setup, startAnew }: StartWithSetup): Promise<Machine> {
  const shelf = checkpointsFolder(order.dataFolder)
  const id = await checkpointKey(order, setup)
  const { signal, onNote } = order
  const restored = await restore({ order, setup, shelf, id })
  if (restored.machine !== undefined) return restored.machine
  if (!setup.access.mayKeep)
    return await startAnew(`${restored.why}, and a pull request from a fork leaves none`, signal)
  const release = await takeLock({
    path: templateLock(shelf, id.key),
    signal,
    onWait: () => onNote(`waiting for checkpoint ${id.key}, which another process or job is making`),
  })
  let template: Template | undefined
  try {
    const made = await restore({ order, setup, shelf, id })
    const failure = made.machine === undefined ? await knownFailure(shelf, id.key) : undefined
    if (made.machine !== undefined || failure !== undefined) {
      release()
      return made.machine ?? (await startAnew(`it could not be kept a while ago: ${failure}`, signal))
    }
    template = await ensureTemplate({ ...order, subject: order })
    return await recordSetup({ order, setup, shelf, id, template, why: restored.why, release, startAnew })
  } catch (error) {
    release()
    signal.throwIfAborted()
    if (!isForLackOfOne(error, template)) throw error
    return await startAnew(`no checkpoint can be made: ${error.message}`, signal)
  }
}

type Restore = { order: BootOrder; setup: Setup; shelf: string; id: CheckpointKey }
type Restored = { machine: Machine } | { machine: undefined; why: string }

async function restore({ order, setup, shelf, id }: Restore): Promise<Restored> {
  const { signal, onNote } = order
  const found = await findCheckpoint({ shelf, id, setup, onNote })
  if (found.kind === 'none') return { machine: undefined, why: found.why }
  const { checkpoint } = found
  try {
    const machine = await cloneMachine({
      order: { ...order, checkpoint: { state: 'restored', ...madeBy(checkpoint) } },
      template: checkpoint,
      strategy: 'checkpoint',
    })
    await touchTemplate(checkpoint)
    return { machine }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof InfraError) || error.class === 'host-disk-full') throw error
    if (error instanceof NoMemory) throw error
    const wasKilled = error instanceof KilledOnHost
    if (!wasKilled) await removeTemplate(shelf, checkpoint.key)
    const what = wasKilled ? 'did not start' : 'did not start and was thrown away'
    const why = `checkpoint ${checkpoint.key} ${what}: ${error.message}`
    onNote(why)
    return { machine: undefined, why }
  }
}

function madeBy({ key, manifest: { made, checkpoint } }: Template) {
  return { key, made, build: checkpoint?.build ?? 'an unknown build' }
}

/**
 * Whether a machine without a checkpoint can do better. Where there is a template, that did not start, which whoever
 * starts from it next finds out and heals; where there is none, its image may not boot at all.
 */
function isForLackOfOne(error: unknown, template: Template | undefined): error is InfraError {
  if (!(error instanceof InfraError) || error instanceof NoMemory) return false
  return template !== undefined || error.class === 'host-disk-full' || error instanceof CannotFreeze
}
