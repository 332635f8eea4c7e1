import type { NetworkMode } from './pipeline.ts'

/** The network modes of a job and what each lets it reach. */
export const networkModes: Readonly<Record<NetworkMode, string>> = {
  none: 'no way out of the machine',
  web: "HTTP, HTTPS and name look-ups through the runner's proxy, public addresses only",
  internet: 'plain outbound connections over IPv4, public addresses only, where the host can hold that',
}

/** The modes of a single step, or of `setup` and the steps apart: the proxy of `web` is there or is not. */
export const stepNetworks: Readonly<Record<Exclude<NetworkMode, 'internet'>, string>> = {
  none: networkModes.none,
  web: networkModes.web,
}
