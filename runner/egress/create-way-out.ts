import type { HostConfig } from '../../config/host/host-config.ts'
import type { NetworkMode } from '../../config/pipeline/pipeline.ts'
import { createEgressProxy } from './egress-proxy.ts'
import { WayOut } from './way-out.ts'

type Order = {
  network: NetworkMode
  host: HostConfig
  onNote: (text: string) => void
  /** Port in the guest on which it was offered before. */
  port?: number | undefined
}

/** The way out that a network mode gives; undefined where there is none, or where SLIRP itself is one. */
export function createWayOut({ network, host, onNote, port }: Order): WayOut | undefined {
  if (network !== 'web') return undefined
  const proxy = createEgressProxy({
    policy: host.network,
    onRequest: ({ host: name, port, refused }) => {
      if (refused !== undefined) onNote(`network: ${name}:${port} refused, ${refused}`)
    },
  })
  return new WayOut(proxy, port)
}
