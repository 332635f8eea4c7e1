import type { CgroupVerdict } from './probe-cgroup.ts'

type Confinement = {
  /** Whom it runs as, in words. */
  readonly user: string
  readonly cgroup: CgroupVerdict
  readonly hasOwnNetwork: boolean
}

/** What holds QEMU, in one line for the log of its job; what could not be applied is said with the reason. */
export function describeConfinement({ user, cgroup, hasOwnNetwork }: Confinement): string {
  const group = cgroup.can ? `own cgroup (${cgroup.controllers})` : `no cgroup of its own (${cgroup.reason})`
  return [
    'system call filter, no new privileges',
    user,
    group,
    ...(hasOwnNetwork ? ['own network'] : []),
  ].join('; ')
}
