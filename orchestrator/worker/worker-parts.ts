import type { Logger } from 'pino'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { Shelf } from '../../images/shelf.ts'
import type { StartMachine } from '../../runner/job/job-order.ts'
import type { BuildService } from '../builds/build-service.ts'
import type { Bus } from '../bus/bus.ts'
import type { Mirror } from '../git/mirror.ts'
import type { DebugParts } from '../holds/open-debug.ts'
import type { Cordons } from '../hosts/cordons.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Store } from '../model/store.ts'
import type { HostPressure } from '../pressure/host-pressure.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Traces } from '../traces/open-traces.ts'
import type { KeptResults } from './kept-results.ts'
import type { Self } from './watch-self.ts'

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
  /** What this host has left; undefined for always enough. */
  readonly pressure?: HostPressure | undefined
  /** Which hosts are to take nothing new; undefined for none. */
  readonly cordons?: Pick<Cordons, 'get'> | undefined
  /** What this host says of itself, its labels above all; undefined in tests that are not about them. */
  readonly self?: Self | undefined
  /** Where verdicts are until the store has them; undefined for nowhere, in tests that are not about them. */
  readonly results?: KeptResults | undefined
  /** ms that a running job waits for Redis with what it needs of it. @defaultValue 15 minutes */
  readonly patience?: number | undefined
  /** Where this host keeps machines for their maintainers. */
  readonly debug?: DebugParts | undefined
  /** Undefined where nobody is told. */
  readonly traces?: Pick<Traces, 'jobEnded'> | undefined
  readonly log: Logger
}
