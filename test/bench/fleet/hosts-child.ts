import { once } from 'node:events'
import { openShelf } from '../../../images/shelf.ts'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import { startJobHost } from '../../../orchestrator/worker/job-host.ts'
import type { WorkerParts } from '../../../orchestrator/worker/worker-parts.ts'
import { createChance } from '../../faults/chance.ts'
import { emptyVault } from '../../orchestrator/worker/empty-vault.ts'
import { shelfImage } from '../../shelf-image.ts'
import type { FleetTimes } from './fleet-times.ts'
import { type FleetPlace, openInstallation, prefix } from './open-installation.ts'
import { playMachine } from './play-machine.ts'
import { noteRun } from './with-books.ts'

export type HostsOrder = FleetPlace & {
  readonly names: readonly string[]
  readonly seed: number
  readonly times: FleetTimes
}

/** Some hosts of a fleet, each as `mayfly serve --role worker` has one but for its machines; ends when stdin does. */
const order = JSON.parse(process.argv[2] ?? '') as HostsOrder
const { folder, times } = order
const installation = await openInstallation(order, async () => undefined)
const { parts, redis, builds, hosts, log } = installation
const { store, bus, mirror, host } = parts
const onRun = (attempt: { id: string; attempt: number }) => noteRun(redis, attempt)
const shared: Omit<WorkerParts, 'hostName'> = {
  ...{ host, archiveFolder: folder, store, bus, builds, mirror, log },
  vault: emptyVault,
  shelf: { ...openShelf({ dataFolder: folder }), ensure: async (name) => shelfImage(name) },
  metrics: createMetrics(),
  startMachine: playMachine({ chance: createChance(order.seed), onRun }),
}

process.stdout.write('ready\n')
// What they take to load is no time of the fleet's.
await once(process.stdin, 'data')
const running = order.names.map((hostName) =>
  startJobHost({
    parts: { ...shared, hostName },
    ...{ hosts, queue: parts.queue },
    connection: installation.connect(),
    prefix,
    capacity: { cpus: 2, memory: 4 * 2 ** 30 },
    timing: { lock: times.lock, stalledCheck: times.stalledCheck },
    heartbeat: times.heartbeat,
  }),
)
await once(process.stdin, 'end')
await Promise.all(running.map((one) => one.stop({ graceMs: 5000 })))
process.exit(0)
