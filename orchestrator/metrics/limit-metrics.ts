import { Gauge } from 'prom-client'
import type { Limits } from '../../config/host/host-config.ts'
import type { Metrics } from './metrics.ts'

type LimitMetrics = {
  readonly metrics: Pick<Metrics, 'registry'>
  readonly limits: Limits
}

/** What the limits of the host file are set to. */
export function reportLimits({ metrics: { registry }, limits }: LimitMetrics): void {
  const set = new Gauge({
    name: 'mayfly_limit',
    help: 'What a limit of the host file is set to: bytes, seconds or a number',
    labelNames: ['limit'],
    registers: [registry],
  })
  for (const [name, value] of Object.entries(limits)) {
    const key = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    if (value !== undefined) set.set({ limit: `limits.${key}` }, key === 'build_age' ? value / 1000 : value)
  }
}
