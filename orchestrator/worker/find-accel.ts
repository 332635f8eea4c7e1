import type { HostConfig } from '../../config/host/host-config.ts'
import type { Shelf } from '../../images/shelf.ts'
import { chooseAccel } from '../../runner/accel/choose-accel.ts'
import { findQemu } from '../../runner/qemu/qemu-version.ts'
import { accelCacheFile } from '../../runner/start-on-host.ts'
import type { HostStatus } from '../model/queue-view.ts'

type FindAccel = {
  readonly host: Pick<HostConfig, 'accel' | 'defaultImage'>
  readonly dataFolder: string
  readonly shelf: Pick<Shelf, 'resolve' | 'list'>
  readonly signal: AbortSignal
  /** @defaultValue chooseAccel, which boots a kernel */
  readonly choose?: typeof chooseAccel
}

export type FoundAccel = Pick<HostStatus, 'accel' | 'qemu'> & {
  /** Whether a kernel booted under KVM here; what only looks usable is not. */
  readonly isKvmProven: boolean
}

/** QEMU of this host and how it is accelerated. What cannot be found out is left out; never rejects. */
export async function findAccel(look: FindAccel): Promise<FoundAccel> {
  const { host, dataFolder, shelf, signal, choose = chooseAccel } = look
  const qemu = await findQemu().catch(() => undefined)
  if (qemu === undefined) return { isKvmProven: false }
  const kernel = await someKernel(host.defaultImage, shelf)
  const chosen = await choose({
    ...{ wanted: host.accel, binary: qemu.binary, qemuVersion: qemu.version, kernel, signal },
    cacheFile: accelCacheFile(dataFolder),
  }).catch(() => undefined)
  if (chosen === undefined) return { isKvmProven: false, qemu: qemu.version }
  return {
    isKvmProven: chosen.accel === 'kvm' && kernel !== undefined,
    qemu: qemu.version,
    accel: { kind: chosen.accel, reason: chosen.reason },
  }
}

/** Of the default image, else of any that is here: what is proved is KVM and not the image. */
async function someKernel(
  defaultImage: string,
  shelf: Pick<Shelf, 'resolve' | 'list'>,
): Promise<string | undefined> {
  const present = (await shelf.list().catch(() => [])).filter((image) => image.present)
  const names = present.map(({ name }) => name).sort((a, b) => +(b === defaultImage) - +(a === defaultImage))
  for (const name of names) {
    const image = await shelf.resolve(name).catch(() => undefined)
    if (image?.kernel !== undefined) return image.kernel.image
  }
  return undefined
}
