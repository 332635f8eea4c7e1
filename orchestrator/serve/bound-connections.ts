import type { Server } from 'node:http'
import { Gauge } from 'prom-client'
import type { Metrics } from '../metrics/metrics.ts'

type Bound = {
  readonly server: Server
  /** Connections at a time. */
  readonly most: number
  readonly metrics: Pick<Metrics, 'limits' | 'registry'>
}

const name = 'mayfly_http_connections'

/** Has a server close what is beyond its number of connections at once, and counts both. */
export function boundConnections({ server, most, metrics }: Bound): void {
  server.maxConnections = most
  server.on('drop', () => metrics.limits.inc({ limit: 'limits.connections' }))
  let open = 0
  server.on('connection', (socket) => {
    open += 1
    socket.once('close', () => {
      open -= 1
    })
  })
  metrics.registry.removeSingleMetric(name)
  const gauge: Gauge = new Gauge({
    name,
    help: 'Connections to the HTTP server now',
    registers: [metrics.registry],
    collect: () => gauge.set(open),
  })
}
