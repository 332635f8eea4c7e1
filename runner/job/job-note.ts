/** What is kept of a job with a machine that may outlive its process; the rest is in the job's folder. */
export type JobNote = {
  /** ISO 8601 */
  readonly started: string
  /** By `monotonicMs`: when the job began, and when its own time began to run. */
  readonly began: number
  readonly clockBegan: number
  /** Bytes of its log before its first step. */
  readonly logSize: number
  /** Bytes of its console's log that the machine's console had filled, and how many more were held back for masking. */
  readonly console: { readonly size: number; readonly held: number }
}
