import { userInfo } from 'node:os'
import { hostNetworks } from '../egress/host-networks.ts'
import { closedNetworks } from './closed-networks.ts'
import { ownNetworkScript } from './own-network-script.ts'

/** Where the machine's forward listens in its own network; slirp4netns leads there by the card `way-in`. */
export const ownAddress = '198.18.1.100'

/**
 * The command that runs `command` in a network of its own, without another process in between: its pid is that of what
 * was started. `folder` takes a few files and the socket of `openWayIn`. The networks of this host are those that it is
 * attached to at this moment. `changesUser`: the command starts as root and gives all capabilities up by itself.
 */
export function withOwnNetwork(
  folder: string,
  command: readonly string[],
  { changesUser = false }: { changesUser?: boolean } = {},
): string[] {
  const asRoot = changesUser ? 'as-root-once' : 'as-root'
  const user = userInfo().uid === 0 ? asRoot : 'as-user'
  const routes = closedNetworks(hostNetworks()).map((network) => `route replace prohibit ${network}`)
  return ['sh', '-c', ownNetworkScript, 'own-network', folder, user, routes.join('\n'), ...command]
}
