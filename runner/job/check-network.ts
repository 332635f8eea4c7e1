import { ConfigError } from '../../config/errors.ts'
import { hasOwnNetwork } from '../own-network/has-own-network.ts'
import { probeOwnNetwork } from '../own-network/probe-own-network.ts'
import type { JobOrder } from './job-order.ts'

/**
 * Checks that this host can give the job the network that it asks for, before anything is fetched or started. Plain
 * outbound reaches this host's own services and its LAN where the machine has no network of its own, so that is never
 * given by accident.
 *
 * Throws ConfigError where it refuses, or cannot.
 */
export async function checkNetwork({ job, host }: Pick<JobOrder, 'job' | 'host'>): Promise<void> {
  if (!hasOwnNetwork(job.network, host)) return
  if (host.network.internet === 'refuse')
    throw refused('which this host refuses', 'use `network: web`, or allow it in the host file')
  const verdict = await probeOwnNetwork()
  if (verdict.can) return
  const mend = verdict.mend === undefined ? '' : `; on the host: ${verdict.mend}`
  throw refused(
    `and this host cannot give a machine a network of its own, without which it would reach the host's services and its LAN: ${verdict.reason}`,
    `use \`network: web\`${mend}`,
  )
}

function refused(why: string, hint: string): ConfigError {
  return new ConfigError(`the job asks for \`network: internet\`, ${why}`, { hint })
}
