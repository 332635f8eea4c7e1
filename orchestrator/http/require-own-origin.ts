import { createMiddleware } from 'hono/factory'
import type { HttpEnv } from './auth.ts'
import { HttpError } from './http-error.ts'
import type { HttpParts } from './http-parts.ts'

/**
 * Refuses what a page of another site has its visitor's browser open. A browser sends the cookie along with a WebSocket
 * and asks nobody first, but says where the page is from; programs say nothing.
 */
export function requireOwnOrigin(parts: Pick<HttpParts, 'publicUrl'>) {
  return createMiddleware<HttpEnv>(async (context, next) => {
    const origin = context.req.header('origin')
    const own = [new URL(context.req.url).origin, originOf(parts.publicUrl)]
    if (origin !== undefined && !own.includes(origin))
      throw new HttpError(403, `expected a page of this server, got one of ${origin.slice(0, 200)}`, {
        hint: 'set `public_url:` in the host file to the address that people use',
      })
    await next()
  })
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined
}
