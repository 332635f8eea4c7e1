/** ms; much shorter than a fleet's usual ones, so that a host is lost and its jobs come again within a run. */
export type FleetTimes = {
  readonly lock: number
  readonly stalledCheck: number
  readonly heartbeat: number
  readonly stale: number
  /** The longest that a process stands still: long enough to be taken for lost by all. */
  readonly frozen: number
}
