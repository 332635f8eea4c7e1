/** What the line looks like to people. */
export type QueueView = {
  /** Waiting jobs, first in line first, each with why it waits. */
  waiting(limit: number): Promise<readonly WaitingJob[]>
  hosts(): Promise<readonly HostStatus[]>
}

export type WaitingJob = {
  readonly job: string
  readonly build: string
  readonly name: string
  readonly repository: string
  /** Labels that its host has to have; absent where any host will do. */
  readonly runsOn?: readonly string[]
  /** Counts from 1. */
  readonly position: number
  readonly reason: string
  /** milliseconds until it is likely to begin; undefined where nothing is known */
  readonly estimate: number | undefined
}

/**
 * A host as it last said of itself. What is optional, a host of an earlier version does not say, and one that is expected
 * has not said yet.
 */
export type HostStatus = {
  /** Of the process that serves there: `rack-2-4711`. */
  readonly name: string
  /** What the host is called, whatever process serves there: `rack-2`. */
  readonly computer?: string | undefined
  /** Sorted, those of its host file and what was found out. */
  readonly labels?: readonly string[] | undefined
  /** `x86_64` or `aarch64`. */
  readonly architecture?: string | undefined
  readonly accel?: { readonly kind: 'kvm' | 'tcg'; readonly reason: string } | undefined
  /** Version of QEMU, `7.2.17`. */
  readonly qemu?: string | undefined
  /** Version of Mayfly. */
  readonly version?: string | undefined
  /** Of what its processes say to each other; see hosts/protocol.ts. */
  readonly protocol?: number | undefined
  /** Bytes of the disk with its data folder. */
  readonly disk?: { readonly total: number; readonly free: number } | undefined
  readonly holds?: HostHoldings | undefined
  /** That it is to take nothing new, whichever process serves there; absent where it takes jobs. */
  readonly cordon?: Cordon | undefined
  /** Its own clock when it was heard, ISO 8601. */
  readonly clock?: string | undefined
  readonly cpus: { readonly total: number; readonly taken: number }
  /** bytes */
  readonly memory: { readonly total: number; readonly taken: number }
  readonly running: readonly string[]
  /** Why it takes no further jobs for now; absent where it does. */
  readonly pressure?: string | undefined
  /** ISO 8601; until then its server is being restarted, and its machines go on without it. Absent where one is there. */
  readonly awayUntil?: string | undefined
  /** ISO 8601; a host that has not been heard of for long is stale. */
  readonly heard: string
  readonly stale: boolean
}

/** Somebody's word that a host is to take no further jobs. What runs there goes on. */
export type Cordon = {
  /** Whose word, and when: name of a token, ISO 8601. */
  readonly by: string
  readonly at: string
  /** One line. */
  readonly why?: string | undefined
  /** It is to become empty; what still runs at `until`, ISO 8601, is put back in line. Without it, it ends by itself. */
  readonly drain?: { readonly until?: string | undefined } | undefined
}

/** What jobs find on a host without waiting for it. */
export type HostHoldings = {
  readonly images: Held<{ readonly name: string; readonly digest: string }>
  /** By key, with the name of their image. */
  readonly templates: Held<{ readonly key: string; readonly image: string }>
  readonly checkpoints: Held<{ readonly key: string; readonly image: string }>
}

/** The newest of them, and how many more there are. */
export type Held<T> = { readonly items: readonly T[]; readonly more: number }
