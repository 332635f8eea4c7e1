import type { NetworkMode } from './pipeline.ts'

/** The network modes of a job and what each lets it reach. */
export const networkModes: Readonly<Record<NetworkMode, string>> = {
  none: 'no way out of the machine',
  web: "HTTP, HTTPS and name look-ups through the runner's proxy, public addresses only",
  internet: 'plain outbound connections, where the host file accepts the risk',
}
