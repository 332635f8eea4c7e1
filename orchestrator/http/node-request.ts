import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'

/**
 * Node's own request behind Hono's; undefined for one that was made in this process. The standard `Request` around it
 * is made when its body or all of its headers are asked for, and costs as much as the rest of a webhook's answer.
 */
export function nodeRequest(context: Context): IncomingMessage | undefined {
  return (context.env as { incoming?: IncomingMessage } | undefined)?.incoming
}
