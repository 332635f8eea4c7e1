/** What a pull may cost this host. */
export type PullLimits = {
  /** Bytes of the published file, of the unpacked disk, of the finished one and of what it shows to a guest, each. */
  readonly imageBytes: number
  /** How often in a row a download may fail without one new byte. */
  readonly attempts: number
  /** Milliseconds before the second attempt; doubles with each. */
  readonly retryDelay: number
}

export const defaultLimits: PullLimits = {
  imageBytes: 64 * 2 ** 30,
  attempts: 4,
  retryDelay: 500,
}
