import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { InfraError } from '../../config/errors.ts'
import { checkFreeSpace, isNoRoom } from '../../images/disk-full.ts'
import type { BootOrder } from '../machine/boot-order.ts'
import { NoMemory } from '../machine/check-memory.ts'
import { machinePaths } from '../machine/filenames.ts'
import type { Machine } from '../machine/machine.ts'
import type { QemuMachine } from '../machine/qemu-machine.ts'
import { armGuest } from '../template/arm-guest.ts'
import { cloneMachine } from '../template/clone-machine.ts'
import { ControlPort } from '../template/control-port.ts'
import { newWorkFolder, type TemplatePaths, templatePaths } from '../template/filenames.ts'
import { forgetFailure, noteFailure } from '../template/known-failure.ts'
import { seal, shelve } from '../template/seal.ts'
import type { Template } from '../template/template.ts'
import { evictTemplates, removeTemplate, sweepWork } from '../template/template-shelf.ts'
import type { CheckpointKey } from './checkpoint-key.ts'
import { RecordingMachine } from './recording-machine.ts'
import type { Setup } from './setup.ts'

type RecordSetup = {
  readonly order: BootOrder
  readonly setup: Setup
  readonly shelf: string
  readonly id: CheckpointKey
  readonly template: Template
  /** Why no checkpoint was there. */
  readonly why: string
  /** Lets others look for the checkpoint. */
  readonly release: () => void
  readonly startAnew: (why: string, signal: AbortSignal) => Promise<Machine>
}

/**
 * A machine from a template whose memory lies in a file of its own, so that it can be frozen once its setup has run.
 * Keeping it gives a clone of what was frozen, which is how every later job starts too.
 *
 * Throws InfraError with its class, or the signal's reason; nothing is left then, but for the lock.
 */
export async function recordSetup(record: RecordSetup): Promise<Machine> {
  const { order, setup, shelf, id, template, why, release } = record
  await sweepWork(shelf)
  const work = templatePaths(newWorkFolder(shelf, id.key))
  await mkdir(work.folder, { recursive: true, mode: 0o700 })
  // What cannot be removed now is swept later.
  const forget = () => rm(work.folder, { recursive: true, force: true }).catch(() => undefined)
  try {
    await checkFreeSpace(`checkpoint ${id.key}`, work.folder, order.resources.memory)
    const checkpoint = { state: 'to-keep', key: id.key, reason: why } as const
    const recorder = await cloneMachine({
      order: { ...order, preparation: setup.preparation, checkpoint },
      template,
      strategy: 'template',
      ownMemory: work.ram,
    })
    const started = performance.now()
    return new RecordingMachine({
      recorder,
      keep: async (signal) => await keep({ ...record, recorder, work, forget, started, signal }),
      onOver: async () => {
        release()
        await forget()
      },
    })
  } catch (error) {
    await forget()
    throw error
  }
}

type Keep = RecordSetup & {
  recorder: QemuMachine
  work: TemplatePaths
  forget: () => Promise<void>
  started: number
  signal: AbortSignal
}

async function keep(options: Keep) {
  const { order, shelf, id, forget, release, startAnew, signal } = options
  const again = async (reason: string) => {
    order.onNote(`the setup runs once more: ${reason}`)
    return { machine: await startAnew(reason, signal), result: 'to-run-again' as const }
  }
  let checkpoint: Template
  try {
    checkpoint = await freezeRecorder(options)
  } catch (error) {
    signal.throwIfAborted()
    // The next machine needs the room.
    await forget()
    const message = error instanceof Error ? error.message : String(error)
    // Of a disk that is full now nobody knows what it is like for the next job.
    if (!isNoRoom(error)) await noteFailure(shelf, id.key, message)
    return await again(`its machine could not be frozen: ${message}`)
  }
  release()
  const { key, manifest } = checkpoint
  try {
    const facts = { state: 'kept', key, freezeMs: manifest.freezeMs } as const
    const machine = await cloneMachine({
      order: { ...order, signal, checkpoint: facts },
      template: checkpoint,
      strategy: 'checkpoint',
    })
    return { machine, result: 'kept' as const }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof InfraError) || error instanceof NoMemory) throw error
    await removeTemplate(shelf, key)
    if (!isNoRoom(error)) await noteFailure(shelf, key, `it did not start: ${error.message}`)
    return await again(`checkpoint ${key} did not start: ${error.message}`)
  }
}

/** The machine is gone afterwards, frozen or not. */
async function freezeRecorder(options: Keep): Promise<Template> {
  const { order, setup, shelf, id, template, recorder, work, started, signal } = options
  const { dataFolder, host, image } = order
  const places = machinePaths({
    ...{ dataFolder, id: order.id, env: process.env, uid: userInfo().uid, runDir: host.runDir },
  })
  const setupMs = Math.round(performance.now() - started)
  const began = performance.now()
  try {
    const control = await ControlPort.open(places.controlSocket)
    try {
      await armGuest({ machine: recorder, control, user: image.profile.user, after: 'setup', signal })
      await seal({ machine: recorder, places, work, subject: order, signal })
      await prependConsole(work.console, template.paths.console)
    } finally {
      control.close()
    }
  } finally {
    await recorder.destroy('now')
  }
  const checkpoint = await shelve({
    ...{ shelf, key: id.key, work, subject: order },
    times: { bootMs: template.manifest.bootMs, freezeMs: Math.round(performance.now() - began) },
    checkpoint: { inputs: id.inputs, scope: setup.access.scope, ...setup.by, setupMs },
  })
  await forgetFailure(shelf, id.key)
  const { quota, maxAge } = host.checkpoints
  await evictTemplates({ shelf, quota, maxAge, keep: id.key })
  return checkpoint
}

/** The boot that a checkpoint has behind it was its template's. */
async function prependConsole(path: string, before: string): Promise<void> {
  const parts = [await readFile(before).catch(() => Buffer.alloc(0)), await readFile(path)]
  await writeFile(path, Buffer.concat(parts))
}
