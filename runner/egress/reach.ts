import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { EgressPolicy, Target } from './egress-policy.ts'
import { refuseByPolicy, refuseDenied } from './egress-policy.ts'

export type Reach =
  /** Checked addresses, to be connected to as they are. */
  | { readonly kind: 'open'; readonly addresses: readonly string[]; readonly outsideAllowList: boolean }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unresolved'; readonly reason: string }

export type ReachOptions = {
  /** All of them have to agree. */
  readonly policies: readonly EgressPolicy[]
  readonly resolve: (host: string) => Promise<string[]>
  readonly refuse: (address: string, port: number) => string | undefined
}

const mostAddresses = 4

/**
 * Decides about one request. A name is resolved once, here, after the policy had its say (a refused name is not
 * asked for: DNS carries data too); what is connected to is the very address that was checked, so a name that
 * changes its address between check and connect (rebinding) gains nothing.
 */
export async function reach(target: Target, { policies, resolve, refuse }: ReachOptions): Promise<Reach> {
  let outsideAllowList = false
  for (const policy of policies) {
    const denied = refuseDenied(policy, target)
    if (denied !== undefined) return { kind: 'refused', reason: denied }
    const unlisted = refuseByPolicy(policy, target)
    if (unlisted !== undefined && !policy.audit) return { kind: 'refused', reason: unlisted }
    outsideAllowList ||= unlisted !== undefined
  }
  const bare = target.host.replace(/^\[(.*)\]$/, '$1')
  let addresses: string[]
  try {
    addresses = isIP(bare) === 0 ? await resolve(bare) : [bare]
  } catch (error) {
    return { kind: 'unresolved', reason: `the name was not found (${codeOf(error)})` }
  }
  const judged = addresses.map((address) => ({ address, reason: refuse(address, target.port) }))
  const open = judged.filter(({ reason }) => reason === undefined).map(({ address }) => address)
  if (open.length > 0) {
    return { kind: 'open', addresses: open.slice(0, mostAddresses), outsideAllowList }
  }
  const [first] = judged
  if (first === undefined) return { kind: 'unresolved', reason: 'the name has no address' }
  return { kind: 'refused', reason: `${first.address} is ${first.reason}` }
}

/** Every address that this host's own resolver knows for a name. */
export async function resolveName(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
