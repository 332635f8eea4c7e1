import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { openAPIRouteHandler } from 'hono-openapi'
import { answerError } from './answer-error.ts'
import { authenticate, type HttpEnv } from './auth.ts'
import { HttpError } from './http-error.ts'
import type { HttpParts } from './http-parts.ts'
import { limitFailures } from './limit-failures.ts'
import { limitRequests } from './limit-requests.ts'
import { artifactRoutes } from './routes/artifact-routes.ts'
import { badgeRoutes } from './routes/badge-routes.ts'
import { buildRoutes } from './routes/build-routes.ts'
import { debugRoutes } from './routes/debug-routes.ts'
import { deleteRoutes } from './routes/delete-routes.ts'
import { deliveryRoutes } from './routes/delivery-routes.ts'
import { healthRoutes } from './routes/health-routes.ts'
import { hostRoutes } from './routes/host-routes.ts'
import { logRoutes } from './routes/log-routes.ts'
import { repositoryRoutes } from './routes/repository-routes.ts'
import { reproRoutes } from './routes/repro-routes.ts'
import { retryRoutes } from './routes/retry-routes.ts'
import { submissionRoutes } from './routes/submission-routes.ts'
import { terminalRoutes } from './routes/terminal-routes.ts'
import { tokenRoutes } from './routes/token-routes.ts'
import { webhookRoutes } from './routes/webhook-routes.ts'

/** Everything that this server answers over HTTP; `pages` is what people see, and comes last. */
export function createApp(parts: HttpParts, pages?: Hono<HttpEnv>): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  app.use(requestId())
  app.use('/api/v1/jobs/:job/artifacts/*', sandboxed)
  app.use('/jobs/:job/terminal', styledByScripts)
  app.use('/jobs/:job/console', styledByScripts)
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
      referrerPolicy: 'same-origin',
    }),
  )
  app.use(limitFailures(parts))
  app.onError(answerError(parts.log))
  app.route('/webhooks', webhookRoutes(parts))
  app.use(authenticate(parts))
  app.use(limitRequests(parts))
  app.route('/', healthRoutes(parts))
  app.route('/', badgeRoutes(parts))

  const api = new Hono<HttpEnv>()
  for (const routes of [
    buildRoutes,
    deleteRoutes,
    debugRoutes,
    terminalRoutes,
    reproRoutes,
    retryRoutes,
    submissionRoutes,
    logRoutes,
    artifactRoutes,
    deliveryRoutes,
    repositoryRoutes,
    tokenRoutes,
    hostRoutes,
  ]) {
    api.route('/', routes(parts))
  }
  app.route('/api/v1', api)
  app.get('/api/v1/openapi.json', openAPIRouteHandler(app, { documentation }))
  app.all('/api/*', () => {
    throw new HttpError(404, 'expected a path of /api/v1/openapi.json, got another')
  })
  if (pages !== undefined) app.route('/', pages)
  return app
}

/** For what a job made; before the headers of all others, since the outermost has the last word. */
const sandboxed = createMiddleware(async (context, next) => {
  await next()
  context.header('Content-Security-Policy', "default-src 'none'; sandbox")
})

/** xterm writes its colours and sizes into style elements and attributes, and knows no nonce; scripts stay ours alone. */
const styledByScripts = createMiddleware(async (context, next) => {
  await next()
  const policy = context.res.headers.get('content-security-policy') ?? ''
  context.header(
    'Content-Security-Policy',
    policy.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
  )
})

const documentation = {
  info: { title: 'Mayfly', version: '1', description: 'CI jobs in virtual machines that live for one job' },
  components: { securitySchemes: { token: { type: 'http' as const, scheme: 'bearer' } } },
  security: [{ token: [] }],
}
