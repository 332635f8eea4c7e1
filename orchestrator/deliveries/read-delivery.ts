import { ConfigError } from '../../config/errors.ts'
import type { Reading } from '../forges/forge.ts'
import type { Forges } from '../forges/forges.ts'
import { parseBody } from '../forges/parse-body.ts'
import type { Delivery } from '../model/delivery.ts'
import type { Repository } from '../model/repository.ts'
import type { Store } from '../model/store.ts'

/** What a recorded delivery asks for, read again from the bytes that were kept. */
export type ReadDelivery = {
  readonly delivery: Delivery
  readonly repository: Repository
  readonly readings: readonly Reading[]
}

/**
 * Undefined where there is no such delivery.
 * @throws ConfigError for one whose body was not kept, and for a repository that is not registered any more
 */
export async function readDelivery(options: {
  id: string
  store: Pick<Store, 'deliveries' | 'repositories'>
  forges: Forges
}): Promise<ReadDelivery | undefined> {
  const { id, store, forges } = options
  const delivery = await store.deliveries.get(id)
  if (delivery === undefined) return undefined
  const rawBody = await keptBody(delivery, store)
  const { forge: name, headers, event, repository: key } = delivery
  const forge = forges[name]
  const repository = key === undefined ? undefined : await store.repositories.get(key)
  if (repository === undefined)
    throw new ConfigError(`${key ?? 'the repository'} is not registered any more`, {
      hint: 'Register it with mayfly repos add, then replay the delivery.',
    })
  const parsed = parseBody({ contentType: headers['content-type'], rawBody, forms: forge.forms, depth: 1000 })
  if (!parsed.ok) throw new ConfigError(parsed.reason)
  return { delivery, repository, readings: forge.read({ event, body: parsed.body }) }
}

/** @throws ConfigError for a delivery that was refused, whose body nobody vouches for. */
export async function keptBody(delivery: Delivery, store: Pick<Store, 'deliveries'>): Promise<Buffer> {
  const body = delivery.verdict === 'refused' ? undefined : await store.deliveries.body(delivery.id)
  if (body === undefined || body.length === 0)
    throw new ConfigError(`the body of delivery ${delivery.id} was not kept: it is ${delivery.verdict}`, {
      hint: 'Mend the cause and let the forge send it again.',
    })
  return body
}
