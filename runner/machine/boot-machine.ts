import { writeFile } from 'node:fs/promises'
import { macAddress } from '../qemu/mac-address.ts'
import type { MemoryFile } from '../qemu/qemu-spec.ts'
import { Scope } from '../scope.ts'
import { makeSeed } from '../seed/seed.ts'
import { awaitReady } from './await-ready.ts'
import { bootGates } from './boot-gates.ts'
import type { BootOrder } from './boot-order.ts'
import { createOverlay } from './create-overlay.ts'
import { launchMachine } from './launch-machine.ts'
import { makeParts } from './machine-parts.ts'
import { machineSpec } from './machine-spec.ts'
import { prepareFirmware } from './prepare-firmware.ts'
import type { QemuMachine } from './qemu-machine.ts'

/** What only a machine that is to be frozen has. */
export type Freezable = { readonly memoryFile: MemoryFile; readonly mac: string }

/**
 * Starts a machine from cold: overlay, keys, seed CD, QEMU, then the gates until an authenticated login has read the
 * machine's nonce. Whatever fails, nothing of the machine is left.
 *
 * Throws InfraError with its class, or the signal's reason.
 */
export async function bootMachine(order: BootOrder, freezable?: Freezable): Promise<QemuMachine> {
  const scope = new Scope()
  try {
    return await start(order, freezable, scope)
  } catch (error) {
    await scope.close()
    throw error
  }
}

async function start(order: BootOrder, freezable: Freezable | undefined, scope: Scope): Promise<QemuMachine> {
  const { id, image, resources, signal } = order
  const parts = await makeParts(order, scope)
  const { paths, nonce, hostKey } = parts
  const base = { disk: image.disk, virtualSize: image.virtualSize }
  const disk = await createOverlay({ base, path: paths.overlay, disk: resources.disk, signal })
  const userData = [image.profile.userData, order.userData]
  const { user, seed, firmware } = image.profile
  const mac = freezable?.mac ?? macAddress(id)
  const seedSpec = {
    machineId: id,
    hostname: id,
    user,
    publicKey: parts.jobKey.publicKey,
    hostKey,
    nonce,
    seed,
  }
  await writeFile(paths.seed, makeSeed({ ...seedSpec, userData, macs: [mac] }), { mode: 0o600 })
  const cold = machineSpec({
    order,
    paths,
    mac,
    firmware: await prepareFirmware(firmware, paths.firmwareVars),
  })
  const spec = freezable === undefined ? cold : { ...cold, memoryFile: freezable.memoryFile }
  const machine = await launchMachine({ order, parts, spec, disk, strategy: 'cold', uses: [image], scope })
  await awaitReady({ order, machine, gates: bootGates({ machine, nonce }) })
  return machine
}
