import { randomBytes } from 'node:crypto'
import { chmod, mkdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { InfraError } from '../../config/errors.ts'
import type { HostConfig } from '../../config/host/host-config.ts'
import { syncPath } from '../../images/atomic-file.ts'
import { checkFreeSpace, diskFullError, isDiskFull } from '../../images/disk-full.ts'
import { bootMachine } from '../machine/boot-machine.ts'
import type { BootOrder } from '../machine/boot-order.ts'
import { machinePaths } from '../machine/filenames.ts'
import type { QemuMachine } from '../machine/qemu-machine.ts'
import { armGuest } from './arm-guest.ts'
import { ControlPort } from './control-port.ts'
import { newWorkFolder, type TemplatePaths, templateFolder, templatePaths } from './filenames.ts'
import { freeze } from './freeze.ts'
import { digestOf, fingerprintOf, type TemplateManifest, writeManifest } from './manifest.ts'
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
  const { key, dataFolder } = build
  const work = templatePaths(newWorkFolder(dataFolder, key))
  await mkdir(work.folder, { recursive: true, mode: 0o700 })
  try {
    const times = await bootAndFreeze(build, work)
    await writeManifest(work.manifest, await describe(build, work, times))
    const place = templateFolder(dataFolder, key)
    await rm(place, { recursive: true, force: true })
    await rename(work.folder, place)
    await syncPath(dirname(place))
    const paths = templatePaths(place)
    return { key, paths, manifest: await describe(build, paths, times) }
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
      await armGuest(machine, control, subject.image.profile.user, signal)
      const ready = performance.now()
      await freeze({ qmp: machine.qmp, state: work.state, socket: places.stateSocket, signal })
      await quit(machine, signal)
      await rename(places.overlay, work.disk)
      await rename(places.console, work.console)
      if (subject.image.profile.firmware === 'uefi') await rename(places.firmwareVars, work.firmwareVars)
      await protect(work)
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

/** Lets QEMU write out and close its disk, which being killed it could not. */
async function quit(machine: QemuMachine, signal: AbortSignal): Promise<void> {
  await machine.qmp.execute('quit', undefined, { signal })
  await machine.endWithin(30_000)
}

/** The disk is only ever read from now on; memory and state hold what a guest had in mind. */
async function protect({ disk, ram, state }: TemplatePaths): Promise<void> {
  await chmod(disk, 0o444)
  await chmod(ram, 0o600)
  await chmod(state, 0o600)
  for (const path of [disk, ram, state]) await syncPath(path)
}

async function describe(build: BuildTemplate, paths: TemplatePaths, times: Times): Promise<TemplateManifest> {
  const { key, subject } = build
  const { image, resources, accel, qemu } = subject
  const sizes = await Promise.all([paths.disk, paths.ram, paths.state].map(bytesOnDisk))
  return {
    key,
    image: { name: image.name, digest: image.digest, disk: image.disk },
    resources,
    accel: accel.accel,
    qemuVersion: qemu.version,
    made: new Date().toISOString(),
    ...times,
    bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    files: {
      disk: await fingerprintOf(paths.disk),
      ram: await fingerprintOf(paths.ram),
      state: await fingerprintOf(paths.state),
    },
    stateDigest: await digestOf(paths.state),
  }
}

// Sparse: stat(2) counts what is there in units of 512 bytes.
async function bytesOnDisk(path: string): Promise<number> {
  return (await stat(path)).blocks * 512
}
