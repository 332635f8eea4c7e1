import type { HostConfig } from '../../../config/host/host-config.ts'
import { probeOwnNetwork } from '../../../runner/own-network/probe-own-network.ts'
import type { Finding } from './finding.ts'

/** What becomes of jobs that ask for `network: internet` on this host. */
export async function checkInternet({ network }: Pick<HostConfig, 'network'>): Promise<Finding> {
  const name = 'internet mode'
  const told = { name, mend: undefined }
  if (network.internet === 'refuse') return { ...told, state: 'good', found: 'refused by the host file' }
  if (network.internet === 'accept-risk') {
    const found =
      "jobs with `network: internet` reach this host's loopback and its LAN, as the host file says"
    return { name, state: 'weak', found, mend: 'network: { internet: isolate } in the host file' }
  }
  const verdict = await probeOwnNetwork()
  if (verdict.can) return { ...told, state: 'good', found: 'in a network of its own (slirp4netns)' }
  return { name, state: 'weak', found: `refused: ${verdict.reason}`, mend: verdict.mend }
}
