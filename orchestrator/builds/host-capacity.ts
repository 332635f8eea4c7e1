/** What a host that is alive has for machines in all, whatever runs on it now. */
export type HostCapacity = {
  readonly id: string
  readonly cpus: number
  /** bytes */
  readonly memory: number
  /** Why it takes no further jobs for now. */
  readonly pressure?: string | undefined
  /** Whether that is somebody's word, and for as long as they like. @defaultValue no */
  readonly cordoned?: boolean | undefined
  /** @defaultValue none */
  readonly labels?: readonly string[] | undefined
}
