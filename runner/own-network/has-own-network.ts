import type { HostConfig } from '../../config/host/host-config.ts'
import type { NetworkMode } from '../../config/pipeline/pipeline.ts'

/** Whether a machine runs in a network of its own: one that is let out, where this host does not accept the risk. */
export function hasOwnNetwork(network: NetworkMode, host: Pick<HostConfig, 'network'>): boolean {
  return network === 'internet' && host.network.internet !== 'accept-risk'
}
