/** One thing that was looked at. Only `missing` keeps jobs from running on this host. */
export type Finding = {
  readonly name: string
  readonly state: 'good' | 'weak' | 'missing'
  readonly found: string
  /** The command that mends it. */
  readonly mend: string | undefined
}
