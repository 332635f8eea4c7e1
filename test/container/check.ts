/** One thing that has to hold; they are looked at in order, each on what the ones before it left. */
export type Check = {
  readonly title: string
  /** Throws where it does not. */
  readonly run: () => Promise<void>
}
