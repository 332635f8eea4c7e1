import { ConfigError } from '../../config/errors.ts'
import { nearest } from '../../config/nearest.ts'
import type { HostStatus } from '../model/queue-view.ts'
import { computerOf } from './computer-of.ts'
import type { Hosts } from './hosts.ts'

export type FoundHosts = {
  readonly computer: string
  /** The processes that serve there or did; none where it has left in good order. */
  readonly processes: readonly HostStatus[]
  /** Whether one process was named, and not its host. */
  readonly isOne: boolean
}

/**
 * The host that a person means: by what it is called, or by the name of a process that serves there.
 * @throws ConfigError naming the known ones for one that nobody has heard of
 */
export async function findHosts(hosts: Pick<Hosts, 'list' | 'known'>, name: string): Promise<FoundHosts> {
  const [listed, known] = await Promise.all([hosts.list(), hosts.known()])
  const ofComputer = listed.filter((host) => computerOf(host) === name)
  if (ofComputer.length > 0 || known.some(({ computer }) => computer === name))
    return { computer: name, processes: ofComputer, isOne: false }
  const one = listed.find((host) => host.name === name)
  if (one !== undefined) return { computer: computerOf(one), processes: [one], isOne: true }
  const names = [...new Set([...listed.map(computerOf), ...known.map(({ computer }) => computer)])].sort()
  const meant = nearest(name, names)
  throw new ConfigError(
    `expected a host that was heard of (${names.slice(0, 20).join(', ') || 'there is none'}), got ${JSON.stringify(name.slice(0, 100))}`,
    { hint: meant === undefined ? 'mayfly hosts lists them' : `did you mean ${meant}?` },
  )
}
