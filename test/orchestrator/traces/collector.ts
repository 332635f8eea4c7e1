import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { z } from 'zod'

const attribute = z.object({
  key: z.string(),
  value: z.union([
    z.object({ stringValue: z.string() }).transform(({ stringValue }) => stringValue),
    z.object({ intValue: z.coerce.number() }).transform(({ intValue }) => intValue),
  ]),
})
const attributes = z
  .array(attribute)
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value])))
const span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: z.string().transform((nanos) => Number(BigInt(nanos) / 1_000_000n)),
  endTimeUnixNano: z.string().transform((nanos) => Number(BigInt(nanos) / 1_000_000n)),
  attributes,
  status: z.object({ code: z.number().optional(), message: z.string().optional() }),
})
const request = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(span) })),
    }),
  ),
})

/** Times are ms since 1970. */
export type TakenSpan = z.output<typeof span> & {
  readonly resource: Readonly<Record<string, string | number>>
}

/** What takes OTLP over HTTP as JSON, on loopback, or is silent about it. */
export async function startCollector({ isSilent = false } = {}): Promise<{
  readonly endpoint: string
  /** Requests that came, whether or not they were answered. */
  readonly calls: () => number
  readonly spans: readonly TakenSpan[]
}> {
  const spans: TakenSpan[] = []
  let calls = 0
  const server = createServer(async (incoming, outgoing) => {
    calls += 1
    if (isSilent) return
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    if (incoming.url !== '/v1/traces') return void outgoing.writeHead(404).end()
    const { resourceSpans } = request.parse(JSON.parse(Buffer.concat(chunks).toString()))
    for (const { resource, scopeSpans } of resourceSpans)
      for (const scope of scopeSpans)
        spans.push(...scope.spans.map((one) => ({ ...one, resource: resource.attributes })))
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls: () => calls, spans }
}
