import type { Delivery } from '../model/delivery.ts'
import type { Store } from '../model/store.ts'
import { keptBody } from './read-delivery.ts'

/**
 * Records a delivery's copy and lets it be worked on as if it had come now, a duplicate or not. Undefined where there is
 * no such delivery.
 * @throws ConfigError for one that was refused: nobody vouches for its body
 */
export async function replayDelivery(options: {
  id: string
  by: string
  store: Pick<Store, 'deliveries'>
  enqueue: (id: string) => Promise<void>
  now: () => Date
  newId: () => string
}): Promise<Delivery | undefined> {
  const { id, by, store, enqueue, now, newId } = options
  const original = await store.deliveries.get(id)
  if (original === undefined) return undefined
  const body = await keptBody(original, store)
  const copy = newId()
  const delivery: Delivery = {
    ...original,
    id: copy,
    forgeId: `replay-${copy}`,
    received: now().toISOString(),
    verdict: 'accepted',
    reasons: [`replay of ${id}, asked for by ${by}`],
    builds: [],
    replayOf: id,
  }
  await store.deliveries.record(delivery, body)
  await enqueue(copy)
  return delivery
}
