import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'

/** Address that a request comes from; undefined for one that was made in this process and has no connection. */
export function remoteAddress(context: Context): string | undefined {
  try {
    return getConnInfo(context).remote.address
  } catch {
    return undefined
  }
}
