import { shareNext } from '../../runner/share-next.ts'
import { canRepeat, type Delivery } from '../model/delivery.ts'
import { packBody, unpackBody } from '../model/packed-body.ts'
import type { Archive } from './archive.ts'

/** What is kept of deliveries, in the order in which it came about. */
export type DeliveryJournal = {
  /** Durable when it resolves. */
  record(delivery: Delivery, body: Buffer): Promise<void>
  change(id: string, change: Partial<Omit<Delivery, 'id'>>): Promise<void>
}

/** A line of the journal; `body` is gzip in base64. */
type Entry =
  | { readonly delivery: Delivery; readonly body: string }
  | { readonly id: string; readonly change: Partial<Delivery> }

type Parts = { readonly archive: Pick<Archive, 'keepDeliveries'>; readonly now: () => Date }

/** Writes what comes while one write is under way with the next one: a thousand calls a second are some dozen writes. */
export function createDeliveryJournal({ archive, now }: Parts): DeliveryJournal {
  let waiting: string[] = []
  const write = shareNext(async () => {
    const lines = waiting
    waiting = []
    await archive.keepDeliveries(lines, now())
  })
  const add = (entry: Entry) => {
    waiting.push(JSON.stringify(entry))
    return write()
  }
  return {
    record: async (delivery, body) => {
      const packed = await packBody(body)
      await add({ delivery, body: packed.toString('base64') })
    },
    change: (id, change) => add({ id, change }),
  }
}

/**
 * Deliveries as they last were with their bodies, the oldest first, and one for each call of a forge however often it
 * was repeated. Reads the journal twice, and never all at once.
 */
export async function* readDeliveryJournal(
  archive: Pick<Archive, 'deliveries'>,
): AsyncGenerator<{ delivery: Delivery; body: Buffer }> {
  const changes = new Map<string, Partial<Delivery>>()
  const calls = createCalls()
  for await (const entry of entries(archive)) {
    if ('id' in entry) changes.set(entry.id, { ...changes.get(entry.id), ...entry.change })
    else calls.add(entry.delivery)
  }
  const repeated = calls.repeated((id) => changes.get(id)?.verdict)
  for await (const entry of entries(archive)) {
    if ('id' in entry || repeated.has(entry.delivery.id)) continue
    const { delivery, body } = entry
    yield {
      delivery: { ...delivery, ...changes.get(delivery.id) },
      body: await unpackBody(Buffer.from(body, 'base64')),
    }
  }
}

/**
 * Which of the deliveries with the same call of a forge is the one that was worked on. A delivery is written here and in
 * the store at once, so that after a crash it can be here alone, and the forge's next call be the one that counted.
 */
function createCalls() {
  const firsts = new Map<string, string>()
  const more = new Map<string, string[]>()
  return {
    add: (delivery: Delivery) => {
      if (!canRepeat(delivery)) return
      const call = `${delivery.forge} ${delivery.forgeId}`
      const first = firsts.get(call)
      if (first === undefined) firsts.set(call, delivery.id)
      else more.set(call, [...(more.get(call) ?? [first]), delivery.id])
    },
    repeated: (verdictOf: (id: string) => Delivery['verdict'] | undefined) => {
      const isDuplicate = (id: string) => verdictOf(id) === 'duplicate'
      const isDecided = (id: string) => verdictOf(id) !== undefined && !isDuplicate(id)
      const others = [...more.values()].flatMap((ids) => {
        const counted = ids.find(isDecided) ?? ids.find((id) => !isDuplicate(id)) ?? ids[0]
        return ids.filter((id) => id !== counted)
      })
      return new Set(others)
    },
  }
}

async function* entries(archive: Pick<Archive, 'deliveries'>): AsyncGenerator<Entry> {
  for await (const line of archive.deliveries()) {
    const entry = readEntry(line)
    if (entry !== undefined) yield entry
  }
}

// What a crash cut short was never answered.
function readEntry(line: string): Entry | undefined {
  try {
    return JSON.parse(line) as Entry
  } catch {
    return undefined
  }
}
