import type { Context } from 'hono'
import type { Logger } from 'pino'

/** A log each of whose lines says which request it is about: its `request`, which the answer has as X-Request-Id. */
export function aboutRequest(log: Logger, context: Context): Logger {
  const { method, path } = context.req
  return log.child({ request: context.get('requestId'), method, path })
}
