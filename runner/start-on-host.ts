import { join } from 'node:path'
import type { HostConfig } from '../config/host/host-config.ts'
import { chooseAccel } from './accel/choose-accel.ts'
import type { StartMachine } from './job/job-order.ts'
import { findQemu } from './qemu/qemu-version.ts'
import { startFast } from './template/start-fast.ts'

type ThisHost = {
  readonly host: HostConfig
  readonly dataFolder: string
  /** Whether its machines are started so that they can outlive this process. @defaultValue false */
  readonly mayOutlive?: boolean
}

/** Starts each machine on this host in the fastest way, with KVM where that is proven and emulation elsewhere. */
export function startOnHost({ host, dataFolder, mayOutlive = false }: ThisHost): StartMachine {
  return async (order) =>
    startFast({
      ...{ ...order, host, dataFolder, mayOutlive },
      ...(await findHostParts(order, { host, dataFolder })),
    })
}

type Wanted = Pick<Parameters<StartMachine>[0], 'image' | 'signal'>

/** QEMU on this host, and how it is accelerated. Throws InfraError('boot') where it cannot be. */
export async function findHostParts({ image, signal }: Wanted, { host, dataFolder }: ThisHost) {
  const qemu = await findQemu()
  const accel = await chooseAccel({
    wanted: host.accel,
    binary: qemu.binary,
    qemuVersion: qemu.version,
    kernel: image.kernel?.image,
    cacheFile: accelCacheFile(dataFolder),
    signal,
  })
  return { qemu, accel }
}

/** Where the verdict on KVM is kept. */
export function accelCacheFile(dataFolder: string): string {
  return join(dataFolder, 'host', 'accel.json')
}
