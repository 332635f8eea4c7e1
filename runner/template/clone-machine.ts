import { copyFile, type FileHandle, open, readFile, writeFile } from 'node:fs/promises'
import { InfraError } from '../../config/errors.ts'
import { useImage } from '../../images/shelf/use-markers.ts'
import { usualPort } from '../egress/way-out.ts'
import type { Prepared } from '../guest/guest-session.ts'
import { prepareScript } from '../guest/prepare-script.ts'
import { awaitReady } from '../machine/await-ready.ts'
import { bootGates } from '../machine/boot-gates.ts'
import type { BootOrder } from '../machine/boot-order.ts'
import { createOverlay } from '../machine/create-overlay.ts'
import { launchMachine } from '../machine/launch-machine.ts'
import { type MachineParts, makeParts } from '../machine/machine-parts.ts'
import { machineSpec } from '../machine/machine-spec.ts'
import { prepareFirmware } from '../machine/prepare-firmware.ts'
import type { QemuMachine } from '../machine/qemu-machine.ts'
import type { QemuSpec } from '../qemu/qemu-spec.ts'
import { Scope } from '../scope.ts'
import { makeSeed } from '../seed/seed.ts'
import { checkNotReplaced } from './check-not-replaced.ts'
import { copySparse } from './copy-sparse.ts'
import type { Template } from './template.ts'
import { templateMac } from './template-mac.ts'
import { thawGates, withThaw } from './thaw-gates.ts'

type CloneMachine = {
  readonly order: BootOrder
  readonly template: Template
  readonly strategy: 'template' | 'checkpoint'
  /** Where its memory lies, for one that is to be frozen itself; its disk then stands on the image alone. */
  readonly ownMemory?: string
}

/**
 * Starts a machine from a template: its memory mapped privately, its disk an overlay, its seed CD in the drive; then
 * everything that makes it itself is put in place before anybody can log in. Whatever fails, nothing of it is left.
 *
 * Throws InfraError with its class, or the signal's reason.
 */
export async function cloneMachine(clone: CloneMachine): Promise<QemuMachine> {
  const scope = new Scope()
  try {
    return await start(clone, scope)
  } catch (error) {
    await scope.close()
    throw error
  }
}

async function start(clone: CloneMachine, scope: Scope): Promise<QemuMachine> {
  const { order, template, strategy, ownMemory } = clone
  const { id } = order
  const parts = await makeParts(order, scope)
  const { paths, nonce, owner } = parts
  const base = { name: `template ${template.key}`, disk: template.paths.disk }
  const use = await useImage(base, { machineId: id, process: owner })
  await scope.defer('template use', () => use.release())
  const disk = await makeDisk(clone, paths)
  if (ownMemory !== undefined) await copySparse(template.paths.ram, ownMemory, order.signal)
  await writeFile(paths.seed, makeSeed(seedSpec(order, parts)), { mode: 0o600 })
  const spec = cloneSpec(clone, parts, await firmware(order, parts, template))
  // Of a setup that goes on in a clone everything was heard already.
  if (order.checkpoint?.state !== 'kept') order.onConsole(await bootConsole(clone), 'template')
  const prepared = preparedBy(order)
  const state = await openState(clone)
  let machine: QemuMachine
  try {
    machine = await launchMachine({
      order,
      parts,
      spec,
      disk,
      strategy,
      uses: [order.image, base],
      inherited: state.fd,
      prepared,
      scope,
    })
  } finally {
    await state.close()
  }
  const thawing = thawGates({
    ...{ order, parts, machine },
    script: prepareText(order, prepared),
    memory: 'elsewhere',
    // QEMU has opened them all by now.
    check: () => checkNotReplaced(template),
    remedy: 'mayfly templates rm removes the template',
  })
  await awaitReady({ order, machine, gates: withThaw(bootGates({ machine, nonce }), thawing) })
  return machine
}

/** bytes, as the guest sees it */
async function makeDisk(clone: CloneMachine, { overlay }: MachineParts['paths']): Promise<number> {
  const { order, template, ownMemory } = clone
  const { image, resources, signal } = order
  if (ownMemory !== undefined) {
    await copySparse(template.paths.disk, overlay, signal)
    return Math.max(resources.disk, image.virtualSize)
  }
  const base = { disk: template.paths.disk, virtualSize: image.virtualSize }
  return await createOverlay({ base, path: overlay, disk: resources.disk, signal })
}

function seedSpec({ id, image }: BootOrder, { jobKey, hostKey, nonce }: MachineParts) {
  const { user, seed, userData } = image.profile
  return {
    machineId: id,
    hostname: id,
    user,
    publicKey: jobKey.publicKey,
    hostKey,
    nonce,
    seed,
    userData: [userData],
    macs: [templateMac],
  }
}

async function openState({ template: { key, paths }, strategy }: CloneMachine): Promise<FileHandle> {
  try {
    return await open(paths.state, 'r')
  } catch (cause) {
    throw new InfraError('boot', `${strategy} ${key} was removed just now`, { cause })
  }
}

const mostConsole = 256 * 1024

/** The boot that this machine has behind it was its template's; whoever looks for it finds it where a boot belongs. */
async function bootConsole({ template, strategy }: CloneMachine): Promise<Buffer> {
  const { key, paths, manifest } = template
  const printed = await readFile(paths.console).catch(() => Buffer.alloc(0))
  return Buffer.concat([
    Buffer.from(`[mayfly] the boot of ${strategy} ${key}, ${manifest.made}:\r\n`),
    printed.subarray(-mostConsole),
    Buffer.from(`\r\n[mayfly] this machine, started from it:\r\n`),
  ])
}

async function firmware(
  { image }: BootOrder,
  { paths }: MachineParts,
  template: Template,
): Promise<QemuSpec['firmware']> {
  const prepared = await prepareFirmware(image.profile.firmware, paths.firmwareVars)
  if (prepared.kind === 'uefi') await copyFile(template.paths.firmwareVars, paths.firmwareVars)
  return prepared
}

function cloneSpec(
  { order, template, ownMemory }: CloneMachine,
  { paths }: MachineParts,
  firmware: QemuSpec['firmware'],
): QemuSpec {
  const { ram } = template.paths
  const spec = machineSpec({ order, paths, mac: templateMac, firmware })
  return {
    ...spec,
    memoryFile:
      ownMemory === undefined
        ? { path: ram, use: 'private', readOnly: canReadOnly(order.qemu.version) }
        : { path: ownMemory, use: 'written', readOnly: false },
    incoming: true,
  }
}

// `rom=off`, without which the guest could not write to memory that is opened for reading, came with QEMU 8.2.
function canReadOnly(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 8 || (major === 8 && minor >= 2)
}

/** The preparation of the job is done along with the thaw, by the one program in the guest that runs already. */
function preparedBy({ preparation, network }: BootOrder): Prepared | undefined {
  if (preparation === undefined) return undefined
  return { preparation, proxyPort: network === 'web' ? usualPort : undefined }
}

function prepareText({ image }: BootOrder, prepared: Prepared | undefined): string {
  if (prepared === undefined) return ''
  const { preparation, proxyPort } = prepared
  return prepareScript({ user: image.profile.user, ...preparation, proxyPort })
}
