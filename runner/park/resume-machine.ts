import { copyFile, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { InfraError } from '../../config/errors.ts'
import { awaitReady } from '../machine/await-ready.ts'
import { bootGates } from '../machine/boot-gates.ts'
import type { BootOrder } from '../machine/boot-order.ts'
import type { MachinePaths } from '../machine/filenames.ts'
import { launchMachine } from '../machine/launch-machine.ts'
import { makeParts } from '../machine/machine-parts.ts'
import { machineSpec } from '../machine/machine-spec.ts'
import { prepareFirmware } from '../machine/prepare-firmware.ts'
import type { QemuMachine } from '../machine/qemu-machine.ts'
import { Scope } from '../scope.ts'
import { makeSeed } from '../seed/seed.ts'
import { resumeKey } from '../template/template-key.ts'
import { thawGates, withThaw } from '../template/thaw-gates.ts'
import { parkedPaths } from './filenames.ts'
import type { ParkedManifest } from './parked-manifest.ts'
import { decompressFile } from './zstd.ts'

type ResumeMachine = {
  /** Its id, image, resources and network are those of the manifest. */
  readonly order: BootOrder
  readonly manifest: ParkedManifest
  /** Where it is parked; only read. */
  readonly folder: string
}

/**
 * Brings a parked machine back where it stood, with its processes and their memory; then everything that makes it safe
 * to go on is put in place before anybody can log in: entropy, clock, new keys. What is parked stays as it is.
 *
 * Throws InfraError with its class, ConfigError where this host could never run it, or the signal's reason; nothing of
 * the machine is left then.
 */
export async function resumeMachine(resume: ResumeMachine): Promise<QemuMachine> {
  const scope = new Scope()
  try {
    return await start(resume, scope)
  } catch (error) {
    await scope.close()
    throw error
  }
}

async function start({ order, manifest, folder }: ResumeMachine, scope: Scope): Promise<QemuMachine> {
  await checkFit(order, manifest)
  const parts = await makeParts(order, scope)
  const { paths, nonce } = parts
  const parked = parkedPaths(folder)
  const { signal } = order
  const stateFile = join(paths.folder, 'state')
  await Promise.all([
    decompressFile({ from: parked.state, to: stateFile, signal }),
    makeDisk({ order, manifest, folder }, paths),
  ])
  await writeFile(paths.seed, makeSeed(seedOf(order, manifest, parts)), { mode: 0o600 })
  const firmware = await prepareFirmware(order.image.profile.firmware, paths.firmwareVars)
  if (firmware.kind === 'uefi') await copyFile(parked.firmwareVars, paths.firmwareVars)
  const spec = {
    ...machineSpec({ order, paths, mac: manifest.mac, firmware }),
    incoming: true,
  }
  const state = await open(stateFile, 'r')
  let machine: QemuMachine
  try {
    await rm(stateFile)
    const disk = Math.max(manifest.resources.disk, order.image.virtualSize)
    machine = await launchMachine({
      ...{ order, parts, spec, disk, scope },
      strategy: 'parked',
      uses: [order.image],
      inherited: state.fd,
    })
  } finally {
    await state.close()
  }
  const remedy = 'it stays parked; another host of its kind may take it'
  const thawing = thawGates({ order, parts, machine, script: '', memory: 'within', remedy })
  await awaitReady({ order, machine, gates: withThaw(bootGates({ machine, nonce }), thawing) })
  return machine
}

async function checkFit(order: BootOrder, manifest: ParkedManifest): Promise<void> {
  if ((await resumeKey(order)) === manifest.resumeKey) return
  const { image, qemu, accel } = order
  const differences = [
    ['architecture', manifest.arch, process.arch],
    ['image', manifest.image.digest.slice(0, 19), image.digest.slice(0, 19)],
    ['QEMU', manifest.qemu, qemu.version],
    ['acceleration', manifest.accel, accel.accel],
  ].filter(([, parked, here]) => parked !== here)
  const [what, parked, here] = differences[0] ?? ['processor, kernel or QEMU options', 'others', 'its own']
  throw new InfraError(
    'boot',
    `the machine cannot be resumed on this host: it was parked with ${what} ${parked}, and this host has ${here}`,
  )
}

async function makeDisk({ order, manifest, folder }: ResumeMachine, paths: MachinePaths): Promise<void> {
  const { signal, image } = order
  const parked = parkedPaths(folder)
  const base = join(paths.folder, 'base.qcow2')
  await decompressFile({ from: parked.disk, to: paths.overlay, signal })
  if (!manifest.hasBase) return await standOn(paths.overlay, image.disk, signal)
  await decompressFile({ from: parked.base, to: base, signal })
  await standOn(base, image.disk, signal)
  await standOn(paths.overlay, base, signal)
}

/** Whose content is known to be the same as that of what it stood on. */
async function standOn(disk: string, base: string, signal: AbortSignal): Promise<void> {
  const flags = ['rebase', '-q', '-u', '-f', 'qcow2', '-F', 'qcow2']
  await execa('qemu-img', [...flags, '-b', base, disk], { cancelSignal: signal })
}

type Parts = Awaited<ReturnType<typeof makeParts>>

function seedOf({ id, image }: BootOrder, { mac }: ParkedManifest, { jobKey, hostKey, nonce }: Parts) {
  const { user, seed, userData } = image.profile
  return {
    ...{ machineId: id, hostname: id, user, publicKey: jobKey.publicKey, hostKey, nonce, seed },
    userData: [userData],
    macs: [mac],
  }
}
