import { isIP } from 'node:net'
import type { KeptHold } from '../model/is-kept.ts'

const everywhere = ['0.0.0.0', '::']

/**
 * Hosts at which the gateway of a kept machine may be, in the order in which to try them. On the machine's own host that
 * is loopback first: the address for maintainers may be a name that leads there from outside only. Wrong guesses cost a
 * refused connection, for whoever answers has to show the gateway's host key.
 *
 * @param hostName of this host, as the names of workers begin
 */
export function gatewayAddresses({ host, gateway }: KeptHold, hostName: string): readonly string[] {
  const isHere = host.startsWith(`${hostName}-`) && /^\d+$/.test(host.slice(hostName.length + 1))
  const told = everywhere.includes(gateway.host) ? [] : [gateway.host]
  const here = isIP(gateway.host) === 6 ? ['::1', '127.0.0.1'] : ['127.0.0.1']
  return isHere ? [...new Set([...here, ...told])] : told
}
