import { Hono } from 'hono'
import { requestId } from 'hono/request-id'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { Scope } from '../../runner/scope.ts'
import { answerError } from '../http/answer-error.ts'
import { authenticate, type HttpEnv } from '../http/auth.ts'
import { limitFailures } from '../http/limit-failures.ts'
import { healthRoutes } from '../http/routes/health-routes.ts'
import { listen } from './listen.ts'
import type { Core } from './open-core.ts'
import { readinessOf } from './readiness-of.ts'

type Watched = Pick<Core, 'tokens' | 'metrics' | 'pressure' | 'host' | 'log'> & {
  readonly redis: Pick<Core['redis'], 'status'>
}

/** Answers whoever watches over a worker on its own, which listens nowhere else. Gives where. */
export async function openMetrics(
  core: Watched,
  address: HostConfig['listen'],
  scope: Scope,
): Promise<string> {
  const { tokens, metrics, host, log } = core
  const app = new Hono<HttpEnv>()
  app.use(requestId())
  app.use(limitFailures(host))
  app.onError(answerError(log))
  app.use(authenticate({ tokens, metrics }))
  app.route('/', healthRoutes({ metrics, readiness: readinessOf(core) }))
  const listening = await listen({ app, host: { ...host, listen: address }, tokens, metrics, log })
  await scope.defer('metrics', () => listening.close())
  return listening.url
}
