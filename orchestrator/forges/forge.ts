import type { Verdict } from '../../runner/job/verdict.ts'
import type { ForgeName, RepositoryForge } from '../model/forge-name.ts'
import type { Repository } from '../model/repository.ts'
import type { Trigger } from '../model/trigger.ts'

/**
 * What Mayfly has to know of a forge. A forge is a plain value without state: nothing here waits, reads a clock or
 * touches the network, and nothing throws, whatever a stranger sends.
 *
 * A delivery meets the functions in this order: `identify` names it from its headers; `repositoryName` finds in its
 * body, not yet trusted, whose secret to verify it with; `verify` looks at the bytes as they came; only then does
 * `read` say what they mean. A delivery that moved several refs has several readings, in the order of the delivery;
 * one that starts nothing has a reading that says why. `[skip ci]` in a message is the builds' matter, not the
 * forge's.
 *
 * `statusRequest` is the way back: one HTTP request that tells the forge how a commit is doing.
 */
export type Forge<Name extends RepositoryForge = ForgeName> = {
  readonly name: Name
  /** Whether payloads may come as a form with a `payload` field as well as as JSON. */
  readonly forms: boolean
  /** Whether commits have statuses there. */
  readonly keepsStatuses: boolean
  /** Events that can start or end builds; others are answered and ignored. */
  readonly events: readonly string[]
  /** Both undefined where the forge's headers are missing. `forgeId` is what a second arrival has in common. */
  identify(
    headers: WebhookHeaders,
    rawBody: Buffer,
  ): { event: string | undefined; forgeId: string | undefined }
  /** `owner/name` as the forge writes it; undefined where the body has none. */
  repositoryName(body: unknown): string | undefined
  /** True, or the reason in one sentence that holds no secret. Comparisons take the same time whatever is wrong. */
  verify(delivery: SignedDelivery): true | string
  /** A value that may be used once only, for forges that sign one; kept by who receives. */
  nonce?(headers: WebhookHeaders): string | undefined
  /** At least one reading. */
  read(delivery: { event: string; body: unknown }): readonly Reading[]
  /** Undefined where the forge keeps no statuses, or where its API's address cannot be known. */
  statusRequest(status: StatusToWrite): HttpRequest | undefined
  /** Asks for a commit by the short hash that the forge put into its payload; the answer's `hash` is the whole one. */
  commitRequest?(commit: { repository: Repository; token: string | undefined; sha: string }): HttpRequest
}

/** Names in lower case; a header that came several times is joined by a comma. */
export type WebhookHeaders = Readonly<Record<string, string | undefined>>

export type SignedDelivery = {
  readonly headers: WebhookHeaders
  /** The bytes as they came, before anything parsed them. */
  readonly rawBody: Buffer
  /** The repository's; never empty. */
  readonly secret: string
  readonly now: Date
}

/** What one ref's part of a delivery asks for. */
export type Reading =
  | { readonly kind: 'trigger'; readonly trigger: Trigger; readonly cloneUrl: string | undefined }
  | { readonly kind: 'closed'; readonly pullRequest: number }
  | { readonly kind: 'ping' }
  | { readonly kind: 'ignored'; readonly reason: string }

/**
 * `skipped` says that nothing had to run, as for a change that no job looks at: forges are told success, so that no
 * pull request waits for it. What could not run because of something that failed is no such thing: tell `cancelled`.
 */
export type StatusState = 'pending' | 'running' | Verdict

export type StatusToWrite = {
  readonly repository: Repository
  readonly token: string
  readonly sha: string
  /** Such as `refs/heads/main`. */
  readonly ref: string
  /** Names the check; a newer status of the same context replaces the older. */
  readonly context: string
  readonly state: StatusState
  /** Cut to what the forge takes. */
  readonly description: string
  /** The job's page. */
  readonly url: string
}

export type HttpRequest = {
  readonly method: 'GET' | 'POST'
  /** Holds no credentials. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}
