import { randomBytes } from 'node:crypto'
import { mkdir, rm, statfs } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { InfraError } from '../../config/errors.ts'
import type { HostConfig } from '../../config/host/host-config.ts'
import { checkFreeSpace, diskFullError, isDiskFull } from '../../images/disk-full.ts'
import { bootMachine } from '../machine/boot-machine.ts'
import type { BootOrder } from '../machine/boot-order.ts'
import { machinePaths } from '../machine/filenames.ts'
import { armGuest } from './arm-guest.ts'
import { ControlPort } from './control-port.ts'
import { newWorkFolder, type TemplatePaths, templatePaths, templatesFolder } from './filenames.ts'
import { seal, shelve } from './seal.ts'
import type { Template } from './template.ts'
import type { TemplateSubject } from './template-key.ts'
import { templateMac } from './template-mac.ts'

type BuildTemplate = {
  readonly key: string
  readonly subject: TemplateSubject
  readonly host: HostConfig
  readonly dataFolder: string
  readonly signal: AbortSignal
  /** Hear of the boot as of that of any machine. */
  readonly onGate: BootOrder['onGate']
  readonly onNote: BootOrder['onNote']
  readonly onConsole: BootOrder['onConsole']
}

/** The machine booted, but could not be frozen: it can only be started from cold. */
export class CannotFreeze extends InfraError {
  constructor(cause: unknown) {
    super('boot', cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/**
 * Boots a machine of the subject's image, freezes it and puts it in its place. Whatever fails, at whatever moment,
 * leaves nothing that would be taken for a template. The caller holds the lock of the key.
 *
 * Throws CannotFreeze, what `bootMachine` throws where it did not even boot, or the signal's reason.
 */
export async function buildTemplate(build: BuildTemplate): Promise<Template> {
  const { key, subject, dataFolder } = build
  const shelf = templatesFolder(dataFolder)
  const work = templatePaths(newWorkFolder(shelf, key))
  await mkdir(work.folder, { recursive: true, mode: 0o700 })
  try {
    const times = await bootAndFreeze(build, work)
    return await shelve({ shelf, key, work, subject, times })
  } catch (error) {
    await rm(work.folder, { recursive: true, force: true })
    throw error
  }
}

type Times = { bootMs: number; freezeMs: number }

async function bootAndFreeze(build: BuildTemplate, work: TemplatePaths): Promise<Times> {
  const { key, subject, host, dataFolder, signal, onGate, onNote, onConsole } = build
  const id = `template-${key}-${randomBytes(3).toString('hex')}`
  const order: BootOrder = {
    ...subject,
    id,
    network: 'none',
    userData: undefined,
    host,
    dataFolder,
    signal,
    onGate,
    onNote,
    onConsole,
  }
  const places = machinePaths({
    dataFolder,
    id,
    env: process.env,
    uid: userInfo().uid,
    runDir: host.runDir,
  })
  const started = performance.now()
  await checkFreeSpace(`template ${key}`, work.folder, subject.resources.memory)
  const memoryFile = { path: work.ram, use: 'written', readOnly: false } as const
  const machine = await bootMachine(order, { memoryFile, mac: templateMac }).catch(async (error: unknown) => {
    signal.throwIfAborted()
    throw (await isNearlyFull(work.folder)) ? diskFullError(`booting ${id}`, work.folder, error) : error
  })
  try {
    const control = await ControlPort.open(places.controlSocket)
    try {
      await armGuest({ machine, control, user: subject.image.profile.user, after: 'boot', signal })
      const ready = performance.now()
      await seal({ machine, places, work, subject, signal })
      return { bootMs: Math.round(ready - started), freezeMs: Math.round(performance.now() - ready) }
    } finally {
      control.close()
    }
  } catch (error) {
    signal.throwIfAborted()
    throw isDiskFull(error) ? diskFullError(`freezing ${id}`, work.folder, error) : new CannotFreeze(error)
  } finally {
    await machine.destroy('now')
  }
}

/** A page of memory that finds no room in its file ends QEMU by SIGBUS, which says nothing of the disk. */
async function isNearlyFull(folder: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize < 32 * 2 ** 20
}
