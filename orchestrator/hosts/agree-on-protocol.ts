import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { ConfigError } from '../../config/errors.ts'
import type { HostStatus } from '../model/queue-view.ts'
import type { Hosts } from './hosts.ts'
import { protocol } from './protocol.ts'

type Agree = {
  readonly redis: Redis
  readonly prefix: string
  readonly hosts: Pick<Hosts, 'list'>
  readonly role: 'all' | 'web' | 'worker'
  readonly log: Pick<Logger, 'warn'>
  /** @defaultValue that of this version */
  readonly own?: number
}

/** The newest protocol that ever served an installation. */
const protocolKey = (prefix: string): string => `${prefix}:protocol`

/**
 * Sees that this process and the others of its installation understand each other, and notes its protocol where it is the
 * newest. One that only answers HTTP goes on with a warning.
 * @throws ConfigError for a process that runs jobs, where the numbers differ by more than one
 */
export async function agreeOnProtocol({
  redis,
  prefix,
  hosts,
  role,
  log,
  own = protocol,
}: Agree): Promise<void> {
  const text = await redis.get(protocolKey(prefix))
  const fault = misfitOf(own, text === null ? undefined : Number(text)) ?? strangerOf(own, await hosts.list())
  if (fault === undefined) {
    await redis.eval(raiseScript, 1, protocolKey(prefix), own)
    return
  }
  if (role !== 'web') throw new ConfigError(fault.message, { hint: fault.hint })
  log.warn({ hint: fault.hint }, fault.message)
}

type Fault = { readonly message: string; readonly hint: string }

const order = 'docs/fleet.md says in which order hosts are upgraded'

function misfitOf(own: number, kept: number | undefined): Fault | undefined {
  if (kept === undefined || Math.abs(kept - own) <= 1) return undefined
  const message = `expected an installation whose protocol is ${own} or one beside it, found ${kept}: this Mayfly is too ${kept > own ? 'old' : 'new'} for it`
  const step = `start a Mayfly of protocol ${kept > own ? kept : kept + 1} here${kept > own ? '' : ' and on all other hosts first'}`
  return { message, hint: `${step}; ${order}` }
}

// One that is only expected has nothing yet, and says nothing.
function strangerOf(own: number, listed: readonly HostStatus[]): Fault | undefined {
  const stranger = listed.find(
    (host) => !host.stale && host.cpus.total > 0 && Math.abs(numberOf(host) - own) > 1,
  )
  if (stranger === undefined) return undefined
  const { name, version = 'of an early version' } = stranger
  const found = `${name} with ${numberOf(stranger)} (Mayfly ${version})`
  return {
    message: `expected hosts whose protocol is ${own} or one beside it, found ${found}`,
    hint: `bring that host and this one to versions that are one step apart, or stop it; ${order}`,
  }
}

// Those that say none are from before there was a number.
function numberOf(host: HostStatus): number {
  return host.protocol ?? 0
}

const raiseScript = `
if tonumber(redis.call('GET', KEYS[1]) or '-1') < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return 1`
