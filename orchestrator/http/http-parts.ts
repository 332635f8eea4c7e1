import type { Logger } from 'pino'
import type { Shelf } from '../../images/shelf.ts'
import type { JobSource } from '../../runner/job/job-order.ts'
import type { Archive } from '../archive/archive.ts'
import type { BuildService } from '../builds/build-service.ts'
import type { Bus } from '../bus/bus.ts'
import type { Commit } from '../git/mirror.ts'
import type { OptIns } from '../holds/opt-ins.ts'
import type { Fleet } from '../hosts/fleet.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { ForgeName } from '../model/forge-name.ts'
import type { QueueView } from '../model/queue-view.ts'
import type { Repository } from '../model/repository.ts'
import type { Store } from '../model/store.ts'
import type { Repositories } from '../repositories/repositories.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Submissions } from '../submissions/submissions.ts'
import type { BrowserShells } from '../terminal/browser-shells.ts'
import type { Tokens } from '../tokens/token.ts'

/** What answers HTTP is made of. */
export type HttpParts = {
  readonly archive: Pick<Archive, 'files' | 'read' | 'keep' | 'remove'>
  /** `http://127.0.0.1:8470`, as people reach it; without a slash at the end. */
  readonly publicUrl: string
  readonly store: Store
  readonly builds: BuildService
  readonly bus: Bus
  readonly tokens: Tokens
  readonly vault: Vault
  readonly repositories: Repositories
  readonly shelf: Shelf
  readonly queue: QueueView
  readonly metrics: Metrics
  readonly deliveries: DeliveryParts
  readonly submissions: Submissions
  readonly fleet: Fleet
  readonly optIns: OptIns
  readonly shells: BrowserShells
  /** The commit that a branch or tag points to now. Throws ConfigError where there is no such ref. */
  readonly resolveRef: (repository: Repository, ref: string) => Promise<string>
  /** The tree of a commit; released by whoever asked. Throws ConfigError where the commit is gone. */
  readonly jobFiles: (
    repository: Repository,
    commit: Commit,
    signal: AbortSignal,
  ) => Promise<JobSource & { release(): Promise<void> }>
  /** Whether everything this process needs answers; each entry that is not undefined says what does not. */
  readonly readiness: () => Promise<Readonly<Record<string, string | undefined>>>
  /** Addresses and networks whose word for the address of a client is taken. @defaultValue none */
  readonly trustedProxies?: readonly string[]
  /** @defaultValue none */
  readonly limits?: { readonly requests: number; readonly followers: number }
  readonly now: () => Date
  /** Milliseconds that no clock's setting changes. @defaultValue performance.now */
  readonly monotonic?: () => number
  readonly log: Logger
}

export type DeliveryParts = {
  receive(call: WebhookCall): Promise<WebhookAnswer>
  replay(id: string, by: string): Promise<{ readonly id: string } | undefined>
  explain(
    id: string,
  ): Promise<{ readonly reasons: readonly string[]; readonly jobs: readonly string[] } | undefined>
}

/** A webhook as it came, before anything of it is believed. */
export type WebhookCall = {
  readonly forge: ForgeName
  readonly headers: Readonly<Record<string, string>>
  readonly rawBody: Buffer
  readonly remote: string
}

export type WebhookAnswer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> }
