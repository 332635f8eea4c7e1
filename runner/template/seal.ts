import { createWriteStream } from 'node:fs'
import { chmod, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { syncPath } from '../../images/atomic-file.ts'
import { openTemplate } from '../confinement/open-template.ts'
import { qemuUser } from '../confinement/qemu-user.ts'
import type { MachinePaths } from '../machine/filenames.ts'
import type { QemuMachine } from '../machine/qemu-machine.ts'
import { type TemplatePaths, templateFolder, templatePaths } from './filenames.ts'
import { freeze } from './freeze.ts'
import { digestOf, fingerprintOf, type TemplateManifest, writeManifest } from './manifest.ts'
import type { Template } from './template.ts'
import type { TemplateSubject } from './template-key.ts'

type Seal = {
  readonly machine: QemuMachine
  readonly places: MachinePaths
  /** Where its memory is already, and the rest goes. */
  readonly work: TemplatePaths
  readonly subject: TemplateSubject
  readonly signal: AbortSignal
}

/**
 * Freezes a machine that is armed and ends it: memory, devices, disk and console lie in the work folder then, synced.
 *
 * @throws {InfraError} as `freeze` does; the signal's reason on abort
 */
export async function seal({ machine, places, work, subject, signal }: Seal): Promise<void> {
  await freeze({
    qmp: machine.qmp,
    memory: 'elsewhere',
    write: (state) => pipeline(state, createWriteStream(work.state, { mode: 0o600, flags: 'wx' })),
    socket: places.stateSocket,
    signal,
  })
  await quit(machine, signal)
  await rename(places.overlay, work.disk)
  await rename(places.console, work.console)
  if (subject.image.profile.firmware === 'uefi') await rename(places.firmwareVars, work.firmwareVars)
  await protect(work)
}

/** Lets QEMU write out and close its disk, which being killed it could not. */
export async function quit(machine: QemuMachine, signal: AbortSignal): Promise<void> {
  await machine.qmp.execute('quit', undefined, { signal })
  await machine.endWithin(30_000)
}

/** The disk is only ever read from now on; memory and state hold what a guest had in mind. */
async function protect(work: TemplatePaths): Promise<void> {
  const { disk, ram, state } = work
  await chmod(disk, 0o444)
  await chmod(ram, 0o600)
  await chmod(state, 0o600)
  const user = await qemuUser()
  if (user !== undefined) await openTemplate(work, user)
  for (const path of [disk, ram, state]) await syncPath(path)
}

type Shelve = {
  readonly shelf: string
  readonly key: string
  /** A sealed machine. */
  readonly work: TemplatePaths
  readonly subject: TemplateSubject
  readonly times: Pick<TemplateManifest, 'bootMs' | 'freezeMs'>
  readonly checkpoint?: TemplateManifest['checkpoint']
}

/** Puts a sealed machine in its place on the shelf, in the place of whatever was there. */
export async function shelve({ shelf, key, work, subject, times, checkpoint }: Shelve): Promise<Template> {
  const describe = (paths: TemplatePaths) => describeTemplate({ key, subject, times, checkpoint, paths })
  await writeManifest(work.manifest, await describe(work))
  const place = templateFolder(shelf, key)
  await rm(place, { recursive: true, force: true })
  await rename(work.folder, place)
  await syncPath(dirname(place))
  const paths = templatePaths(place)
  return { key, paths, manifest: await describe(paths) }
}

type Describe = Omit<Shelve, 'shelf' | 'work'> & { paths: TemplatePaths }

async function describeTemplate(options: Describe): Promise<TemplateManifest> {
  const { key, subject, times, checkpoint, paths } = options
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
    ...(checkpoint === undefined ? {} : { checkpoint }),
  }
}

// Sparse: stat(2) counts what is there in units of 512 bytes.
async function bytesOnDisk(path: string): Promise<number> {
  return (await stat(path)).blocks * 512
}
