/** What a job may reach in the `web` network mode. */
export type EgressPolicy = {
  /**
   * `example.org`, `*.example.org` (its subdomains, not itself), either with `:port`, which opens that port too.
   * Every public host where it is left out; none where it is empty.
   */
  readonly allow?: readonly string[] | undefined
  /** Patterns as in `allow`; stronger than it, also in audit mode. @defaultValue none */
  readonly deny?: readonly string[] | undefined
  /** Ports that may be reached without being named in `allow`. @defaultValue 80 and 443 */
  readonly ports?: readonly number[] | undefined
  /** Lets through and records what the allow-list would refuse, so that a list can be written from it. */
  readonly audit: boolean
}

export type Target = {
  /** As the URL standard writes it: lower case, `127.1` as `127.0.0.1`, IPv6 in brackets, no trailing dot. */
  readonly host: string
  readonly port: number
}

const defaultPorts = [80, 443]

/** Why the policy itself refuses a target, whatever its address; undefined where it does not. */
export function refuseByPolicy({ allow, ports }: EgressPolicy, { host, port }: Target): string | undefined {
  const named = (allow ?? []).map(readPattern).filter((pattern) => matchesHost(pattern.host, host))
  if (named.some((pattern) => pattern.port === port)) return undefined
  const portIsOpen = (ports ?? defaultPorts).includes(port)
  if (allow !== undefined && !named.some((pattern) => pattern.port === undefined)) {
    return named.length === 0
      ? 'the host is not on the allow-list'
      : `port ${port} of it is not on the allow-list`
  }
  return portIsOpen ? undefined : `port ${port} is not open: expected ${(ports ?? defaultPorts).join(' or ')}`
}

/** Why a target is on the deny-list; undefined where it is not. No audit mode lets it through. */
export function refuseDenied(
  { deny }: Pick<EgressPolicy, 'deny'>,
  { host, port }: Target,
): string | undefined {
  const denied = (deny ?? [])
    .map(readPattern)
    .some((pattern) => matchesHost(pattern.host, host) && (pattern.port ?? port) === port)
  return denied ? 'the host is on the deny-list' : undefined
}

function readPattern(written: string): { host: string; port: number | undefined } {
  const [, host = '', port] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(written.trim().toLowerCase()) ?? []
  return { host: host.replace(/\.$/, ''), port: port === undefined ? undefined : Number(port) }
}

function matchesHost(pattern: string, host: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern
}
