/** What the line has to know of a job to give it its place. */
export type LineJob = {
  readonly id: string
  readonly attempt: number
  /** 0 is first among the jobs of its repository. */
  readonly priority: number
  /** Its key. */
  readonly repository: string
  readonly resources: { readonly cpus: number }
  /** Labels that its host needs to have. @defaultValue none */
  readonly runsOn?: readonly string[] | undefined
}

/** How a repository takes part in what all share. */
export type Share = {
  /** Of two that both have jobs waiting, one with twice the weight gets twice the machine time. */
  readonly weight: number
  /** Whether it may have a further job running now. */
  readonly mayRun: boolean
}
