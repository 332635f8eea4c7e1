import type { Context } from 'hono'
import { nodeRequest } from './node-request.ts'

/**
 * The bytes of a request's body, or undefined where there are more than `most`. Counted while they arrive: a
 * Content-Length can lie, and a chunked body has none.
 */
export async function readBody(context: Context, most: number): Promise<Buffer | undefined> {
  if (Number(context.req.header('content-length') ?? 0) > most) return undefined
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of bodyOf(context)) {
    size += chunk.length
    if (size > most) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function bodyOf(context: Context): AsyncIterable<Uint8Array> {
  // Whoever sent too much is still answered, so its connection has to outlive the reading.
  const body = nodeRequest(context)?.iterator({ destroyOnReturn: false }) ?? context.req.raw.body ?? []
  return body as AsyncIterable<Uint8Array>
}
