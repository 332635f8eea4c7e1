import { hasOwnNetwork } from '../own-network/has-own-network.ts'
import { ownAddress } from '../own-network/with-own-network.ts'
import { defaultMachine, type QemuSpec } from '../qemu/qemu-spec.ts'
import type { BootOrder } from './boot-order.ts'
import type { MachinePaths } from './filenames.ts'

type SpecParts = { order: BootOrder; paths: MachinePaths; mac: string; firmware: QemuSpec['firmware'] }

/** QEMU's side of a machine that boots from cold and can be frozen. */
export function machineSpec({ order, paths, mac, firmware }: SpecParts): QemuSpec {
  const { id, image, resources, network, host, accel } = order
  const { diskBus, nic } = image.profile
  return {
    name: id,
    accel: accel.accel,
    machine: defaultMachine,
    cpu: accel.accel === 'kvm' ? 'host' : 'max',
    cpus: resources.cpus,
    memory: resources.memory,
    firmware,
    disk: { path: paths.overlay, bus: diskBus, format: 'qcow2' },
    seed: paths.seed,
    network: { mode: network, nic, mac, ...(hasOwnNetwork(network, host) ? { sshAddress: ownAddress } : {}) },
    extraNics: [],
    kernel: image.kernel,
    sockets: { qmp: paths.qmpSocket, serial: paths.serialSocket, control: paths.controlSocket },
    serialLog: paths.console,
  }
}
