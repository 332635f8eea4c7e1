/** What a pull may cost this host. */
export type PullLimits = {
  /** Bytes of the published file, of the unpacked disk and of the finished one, each. */
  readonly imageBytes: number
  /** Bytes that the disk may show to a guest. */
  readonly virtualBytes: number
  /** How often in a row a download may fail without one new byte. */
  readonly attempts: number
  /** Milliseconds before the second attempt; doubles with each. */
  readonly retryDelay: number
}

export const defaultLimits: PullLimits = {
  imageBytes: 32 * 2 ** 30,
  virtualBytes: 2 ** 40,
  attempts: 4,
  retryDelay: 500,
}
