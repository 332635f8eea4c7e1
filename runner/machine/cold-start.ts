import { join } from 'node:path'
import type { HostConfig } from '../../config/host/host-config.ts'
import { chooseAccel } from '../accel/choose-accel.ts'
import type { StartMachine } from '../job/job-order.ts'
import { findQemu } from '../qemu/qemu-version.ts'
import { bootMachine } from './boot-machine.ts'

type ThisHost = { readonly host: HostConfig; readonly dataFolder: string }

/** Starts each machine from cold on this host, with KVM where that is proven and emulation elsewhere. */
export function coldStart({ host, dataFolder }: ThisHost): StartMachine {
  return async (order) => {
    const qemu = await findQemu()
    const accel = await chooseAccel({
      wanted: host.accel,
      binary: qemu.binary,
      qemuVersion: qemu.version,
      kernel: order.image.kernel?.image,
      cacheFile: accelCacheFile(dataFolder),
      signal: order.signal,
    })
    return await bootMachine({ ...order, host, dataFolder, accel, qemu })
  }
}

/** Where the verdict on KVM is kept. */
export function accelCacheFile(dataFolder: string): string {
  return join(dataFolder, 'host', 'accel.json')
}
