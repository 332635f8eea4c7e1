import type { HttpParts } from '../http/http-parts.ts'
import type { Core } from './open-core.ts'

/** What keeps this process from its work, by what it needs for it; undefined where that is there. */
export function readinessOf({
  redis,
  pressure,
}: Pick<Core, 'pressure'> & {
  readonly redis: Pick<Core['redis'], 'status'>
}): HttpParts['readiness'] {
  return async () => ({
    redis: redis.status === 'ready' ? undefined : `Redis is ${redis.status}`,
    pressure: pressure.why(),
  })
}
