import type { Logger } from 'pino'
import type { Forge, WebhookHeaders } from '../forges/forge.ts'
import { parseBody } from '../forges/parse-body.ts'
import type { Delivery, DeliveryVerdict } from '../model/delivery.ts'
import type { ForgeName } from '../model/forge-name.ts'
import { repositorySecrets } from '../model/repository.ts'
import type { Store } from '../model/store.ts'
import type { Vault } from '../secrets/vault.ts'
import type { NonceLedger } from './nonce-ledger.ts'
import { withoutSecrets } from './without-secrets.ts'

export type ReceiveDelivery = {
  readonly forge: Forge
  /** Names in lower case. */
  readonly headers: WebhookHeaders
  /** The bytes as they came; whoever reads them from a socket stops a little beyond `limits.body`. */
  readonly rawBody: Buffer
  /** Address of the caller, for the record. */
  readonly remote: string
  readonly store: Pick<Store, 'deliveries' | 'repositories'>
  readonly vault: Pick<Vault, 'get'>
  /** Needed for forges that sign a nonce. */
  readonly nonces: NonceLedger
  /** Told the id of what was accepted, once it is recorded; not waited for. */
  readonly enqueue: (id: string) => Promise<void>
  readonly now: () => Date
  /** A new ULID in lower case. */
  readonly newId: () => string
  /** Told why a store did not answer. */
  readonly log?: Pick<Logger, 'warn'>
  readonly limits?: Partial<DeliveryLimits>
  readonly metrics?: { deliveries: { inc(labels: { forge: ForgeName; verdict: DeliveryVerdict }): void } }
}

export type DeliveryLimits = {
  /** bytes. @defaultValue 25 MiB, which is what GitHub sends at most */
  readonly body: number
  /** Brackets within brackets. @defaultValue 64 */
  readonly depth: number
  /** ms until the store has to have answered; forges wait ten seconds, Gitea five. @defaultValue 4 s */
  readonly record: number
}

export type DeliveryAnswer = {
  readonly status: 200 | 202 | 400 | 401 | 403 | 404 | 413 | 415 | 503
  readonly body: { readonly verdict: DeliveryVerdict; readonly reason: string; readonly delivery?: string }
  /** What was recorded, where something was. */
  readonly delivery?: Delivery
}

const defaults: DeliveryLimits = { body: 25 * 1024 * 1024, depth: 64, record: 4000 }

/**
 * Takes a webhook call: looks at its size, type and shape, finds its repository and secret, checks the signature over
 * the bytes, and records it in one durable write. Answers before any work is done; that is for `processDelivery`.
 *
 * What is refused for a registered cause (not registered, no secret, wrong signature) is recorded without its body and
 * without taking the forge's id, so that the forge may send it again once the cause is mended. What cannot be told
 * apart from noise (size, type, shape) is not recorded.
 * @throws nothing for what a stranger sends; a store that does not answer gives 503
 */
export async function receiveDelivery(call: ReceiveDelivery): Promise<DeliveryAnswer> {
  const answer = await takeDelivery(call)
  call.metrics?.deliveries.inc({ forge: call.forge.name, verdict: answer.body.verdict })
  return answer
}

async function takeDelivery(call: ReceiveDelivery): Promise<DeliveryAnswer> {
  const { forge, headers, rawBody, store, vault, now } = call
  const limits = { ...defaults, ...call.limits }
  if (rawBody.length > limits.body)
    return refused(413, `expected at most ${limits.body} bytes, got ${rawBody.length} or more`)
  const parsed = parseBody({
    contentType: headers['content-type'],
    rawBody,
    forms: forge.forms,
    depth: limits.depth,
  })
  if (!parsed.ok) return refused(parsed.status, parsed.reason)
  const { event, forgeId } = forge.identify(headers, rawBody)
  if (event === undefined)
    return refused(400, `expected the headers of a ${forge.name} webhook, got no event`)
  const name = forge.repositoryName(parsed.body)
  if (name === undefined) return withoutRepository(forge, event)
  try {
    return await inTime(limits.record, async () => {
      const key = `${forge.name}:${name}`
      const facts = { call, event, key }
      const [repository, secret] = await Promise.all([
        store.repositories.get(key),
        vault.get(key, repositorySecrets.webhook),
      ])
      if (repository === undefined) return await refuse(facts, 404, `${key} is not registered here`)
      if (secret === undefined || secret === '')
        return await refuse(
          facts,
          403,
          `${key} has no secret to verify webhooks with: set ${repositorySecrets.webhook}`,
        )
      const right = forge.verify({ headers, rawBody, secret, now: now() })
      if (right !== true) return await refuse(facts, 401, right)
      const nonce = forge.nonce?.(headers)
      if (nonce !== undefined && !(await call.nonces.take(forge.name, nonce)))
        return await refuse(facts, 401, 'the nonce was used before: this is a copy of an earlier delivery')
      return await accept(facts, forgeId)
    })
  } catch {
    return {
      status: 503,
      body: { verdict: 'failed', reason: 'the store does not answer: send it again later' },
    }
  }
}

// Events of an organisation name no repository whose secret could verify them, and start nothing anyway.
function withoutRepository(forge: Forge, event: string): DeliveryAnswer {
  if (forge.events.includes(event)) return refused(400, 'expected a body that names its repository')
  const reason = `the event ${JSON.stringify(event.slice(0, 80))} names no repository and starts no builds`
  return { status: 200, body: { verdict: 'ignored', reason } }
}

function refused(status: DeliveryAnswer['status'], reason: string): DeliveryAnswer {
  return { status, body: { verdict: 'refused', reason } }
}

type Facts = { readonly call: ReceiveDelivery; readonly event: string; readonly key: string }

async function refuse(
  facts: Facts,
  status: DeliveryAnswer['status'],
  reason: string,
): Promise<DeliveryAnswer> {
  const { store } = facts.call
  const draft = newDelivery(facts, { verdict: 'refused', reasons: [reason] })
  const delivery = { ...draft, forgeId: `refused-${draft.id}` }
  await store.deliveries.record(delivery, Buffer.alloc(0))
  return { status, body: { verdict: 'refused', reason, delivery: delivery.id }, delivery }
}

async function accept(facts: Facts, forgeId: string | undefined): Promise<DeliveryAnswer> {
  const { store, rawBody, enqueue, forge } = facts.call
  const reasons = [`${facts.key} is registered`, 'the signature is right']
  const draft = newDelivery(facts, { verdict: 'accepted', reasons })
  const delivery = { ...draft, forgeId: forgeId ?? `none-${draft.id}` }
  if (!(await store.deliveries.record(delivery, rawBody))) {
    const reason = `${forge.name} sent ${delivery.forgeId} before; it is not worked on twice`
    return {
      status: 200,
      body: { verdict: 'duplicate', reason, delivery: delivery.id },
      delivery: { ...delivery, verdict: 'duplicate' },
    }
  }
  // Should this get lost, the queue finds the delivery by its verdict.
  enqueue(delivery.id).catch(() => undefined)
  return { status: 202, body: { verdict: 'accepted', reason: 'recorded', delivery: delivery.id }, delivery }
}

function newDelivery({ call, event, key }: Facts, verdict: Pick<Delivery, 'verdict' | 'reasons'>): Delivery {
  const { forge, headers, rawBody, remote, now, newId } = call
  return {
    id: newId(),
    forge: forge.name,
    forgeId: '',
    event: event.slice(0, 100),
    received: now().toISOString(),
    repository: key,
    headers: withoutSecrets(headers),
    size: rawBody.length,
    verdict: verdict.verdict,
    reasons: [`${rawBody.length} bytes came from ${remote}`, ...verdict.reasons],
    builds: [],
    replayOf: undefined,
  }
}

async function inTime<T>(ms: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came in ${ms} ms`)), ms)
    timer.unref()
  })
  const working = work()
  working.catch(() => undefined)
  try {
    return await Promise.race([working, late])
  } finally {
    clearTimeout(timer)
  }
}
