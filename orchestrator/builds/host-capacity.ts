/** What a host that is alive has for machines in all, whatever runs on it now. */
export type HostCapacity = {
  readonly id: string
  readonly cpus: number
  /** bytes */
  readonly memory: number
}
