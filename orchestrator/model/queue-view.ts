/** What the line looks like to people. */
export type QueueView = {
  /** Waiting jobs, first in line first, each with why it waits. */
  waiting(limit: number): Promise<readonly WaitingJob[]>
  hosts(): Promise<readonly HostStatus[]>
}

export type WaitingJob = {
  readonly job: string
  readonly build: string
  readonly name: string
  readonly repository: string
  /** Counts from 1. */
  readonly position: number
  readonly reason: string
  /** milliseconds until it is likely to begin; undefined where nothing is known */
  readonly estimate: number | undefined
}

export type HostStatus = {
  readonly name: string
  readonly cpus: { readonly total: number; readonly taken: number }
  /** bytes */
  readonly memory: { readonly total: number; readonly taken: number }
  readonly running: readonly string[]
  /** ISO 8601; a host that has not been heard of for long is stale. */
  readonly heard: string
  readonly stale: boolean
}
