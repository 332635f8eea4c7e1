import { Hono } from 'hono'
import { type HttpEnv, requireScope } from '../auth.ts'
import type { HttpParts } from '../http-parts.ts'

/** For whatever watches over the process. `healthz` says that it lives, `readyz` that it can do its work. */
export function healthRoutes(parts: Pick<HttpParts, 'readiness' | 'metrics'>): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>()
  routes.get('/healthz', (context) => context.json({ ok: true }))
  routes.get('/readyz', async (context) => {
    const faults = Object.entries(await parts.readiness()).filter(([, fault]) => fault !== undefined)
    return context.json(
      { ok: faults.length === 0, faults: Object.fromEntries(faults) },
      faults.length === 0 ? 200 : 503,
    )
  })
  routes.get('/metrics', requireScope('read', parts), async (context) =>
    context.body(await parts.metrics.registry.metrics(), 200, {
      'Content-Type': parts.metrics.registry.contentType,
    }),
  )
  return routes
}
