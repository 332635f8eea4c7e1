import { z } from 'zod'
import type { BusMessage } from './bus.ts'

const id = z.string()
const size = z.number()

const schema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('build'), id }),
  z.object({ type: z.literal('job'), id, build: id }),
  z.object({ type: z.literal('log'), job: id, size }),
  z.object({ type: z.literal('console'), job: id, size }),
  z.object({ type: z.literal('cancel'), job: id, by: z.string() }),
  z.object({ type: z.literal('kill'), job: id, by: z.string() }),
  z.object({ type: z.literal('release'), job: id, by: z.string() }),
  z.object({ type: z.literal('park'), job: id, by: z.string() }),
  z.object({ type: z.literal('resume'), job: id, by: z.string() }),
  z.object({ type: z.literal('delivery'), id }),
  z.object({ type: z.literal('host'), id }),
])

/** Undefined for what this version does not know: a newer one may share the Redis during an upgrade. */
export function readBusMessage(text: string): BusMessage | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
