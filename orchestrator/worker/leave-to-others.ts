import { couldTake } from '../builds/host-capacity.ts'
import { hostCapacities } from '../hosts/host-capacities.ts'
import type { Hosts } from '../hosts/hosts.ts'
import type { BuildJob } from '../model/build.ts'

type Options = {
  readonly hosts: Pick<Hosts, 'list' | 'known'>
  /** The host that is too small. */
  readonly hostName: string
}

/**
 * What becomes of a job that is too big for a host: `put-back` where another one could take it now or soon, `later` where
 * that one is away, cordoned or only expected, and undefined where nobody ever could.
 */
export async function leaveToOthers(
  { hosts, hostName }: Options,
  job: Pick<BuildJob, 'resources' | 'runsOn'>,
): Promise<'put-back' | 'later' | undefined> {
  const known = await hostCapacities(hosts)
  if (known.length === 0) return 'later'
  const able = known.filter((host) => host.id !== hostName && couldTake(host, job))
  if (able.length === 0) return undefined
  return able.every(({ away, cordoned }) => away || cordoned) ? 'later' : 'put-back'
}
