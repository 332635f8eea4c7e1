import { heartbeatMs } from './hosts.ts'

/** Tells which hosts are lost for certain. */
export type LostHosts = {
  /** Whether a host that is stale or gone now was so with the same last word for long enough. */
  isLost(name: string, heard: string | undefined): boolean
}

/** A host that lives announces itself twice in this time. */
const graceMs = 2 * heartbeatMs

type Options = {
  /** Milliseconds that no clock's setting changes. @defaultValue performance.now */
  readonly monotonic?: () => number
  /** ms @defaultValue two heartbeats */
  readonly grace?: number
}

/**
 * A host that looks lost may only not have had its turn yet, where Redis stood still for all or a clock was set. So it
 * has to look the same again after a time by a clock that nobody sets.
 */
export function createLostHosts({
  monotonic = () => performance.now(),
  grace = graceMs,
}: Options = {}): LostHosts {
  const suspects = new Map<string, { readonly heard: string | undefined; readonly since: number }>()
  return {
    isLost(name, heard) {
      const known = suspects.get(name)
      if (known !== undefined && known.heard === heard) return monotonic() - known.since >= grace
      suspects.set(name, { heard, since: monotonic() })
      return false
    },
  }
}
