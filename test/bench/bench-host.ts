import { join } from 'node:path'
import { dataFolder as chooseDataFolder } from '../../config/data-folder.ts'
import type { HostConfig } from '../../config/host/host-config.ts'
import { loadHostConfig } from '../../config/host/load-host-config.ts'
import { debianLocalBuilder } from '../../images/build-debian-local.ts'
import type { ShelfImage } from '../../images/image.ts'
import { openShelf } from '../../images/shelf.ts'
import type { MachineOrder } from '../../runner/job/job-order.ts'
import type { Machine } from '../../runner/machine/machine.ts'
import { startOnHost } from '../../runner/start-on-host.ts'

export type BenchHost = {
  readonly host: HostConfig
  /** The shelf's data folder: the user's own, so that the image is not built for each run. */
  readonly dataFolder: string
  /** For whatever a benchmark makes. */
  readonly folder: string
  readonly image: ShelfImage
  start(order?: Partial<MachineOrder>): Promise<Machine>
}

export async function openBenchHost(folder: string): Promise<BenchHost> {
  const env = process.env
  const host = await loadHostConfig({ env })
  // What `start` gives boots from cold: other figures do not depend on a template then.
  const coldHost = { ...host, templates: { ...host.templates, use: false } }
  const dataFolder = chooseDataFolder({ env, host })
  const shelf = openShelf({ dataFolder, builders: { 'debian-12-local': debianLocalBuilder() } })
  const signal = new AbortController().signal
  const image = await shelf.ensure('debian-12-local', { signal })
  const startMachine = startOnHost({ host: coldHost, dataFolder: join(folder, 'data') })
  let count = 0
  return {
    host,
    dataFolder,
    folder,
    image,
    start: (order = {}) =>
      startMachine({
        id: `bench-${process.pid}-${count++}`,
        image,
        resources: { cpus: 2, memory: 2 ** 30, disk: 10 * 2 ** 30 },
        network: 'web',
        userData: undefined,
        signal,
        onGate: () => undefined,
        onNote: () => undefined,
        onConsole: () => undefined,
        ...order,
      }),
  }
}
