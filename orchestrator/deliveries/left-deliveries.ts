import type { Store } from '../model/store.ts'

const pageSize = 200

/** Ids of the deliveries that were accepted and have no verdict yet, oldest first. */
export async function leftDeliveries(store: Pick<Store, 'deliveries'>): Promise<readonly string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.deliveries.list({ verdict: 'accepted' }, { limit: pageSize, cursor })
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.next
  } while (cursor !== undefined)
  return ids.reverse()
}
