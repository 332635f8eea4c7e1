import type { Logger } from 'pino'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { Shelf } from '../../images/shelf.ts'
import type { StartMachine } from '../../runner/job/job-order.ts'
import type { BuildService } from '../builds/build-service.ts'
import type { Bus } from '../bus/bus.ts'
import type { Mirror } from '../git/mirror.ts'
import type { DebugParts } from '../holds/open-debug.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Store } from '../model/store.ts'
import type { Vault } from '../secrets/vault.ts'

/** What a worker runs jobs with. */
export type WorkerParts = {
  /** Name of this host, unique among those that share a Redis. */
  readonly hostName: string
  readonly host: HostConfig
  /** Where jobs' folders are made and stay. */
  readonly archiveFolder: string
  readonly store: Store
  readonly bus: Bus
  readonly builds: BuildService
  readonly mirror: Mirror
  readonly vault: Vault
  readonly shelf: Shelf
  readonly metrics: Metrics
  readonly startMachine: StartMachine
  /** Where this host keeps machines for their maintainers. */
  readonly debug?: DebugParts | undefined
  readonly log: Logger
}
