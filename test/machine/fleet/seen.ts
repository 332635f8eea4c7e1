import { hostCapacity } from '../../../orchestrator/worker/job-host.ts'

/** Lines that each job prints, half a second apart. */
export const linesOfJob = 40

/** Each job takes a whole host. */
export const countingPipeline = `
resources: { cpus: ${hostCapacity().cpus}, memory: 512MiB }
network: none
matrix: { part: [one, two, three] }
timeout: 10m
steps:
  - name: counts
    run: |
      i=0
      while [ $i -lt ${linesOfJob} ]; do i=$((i + 1)); echo "line $i"; sleep 0.5; done
`

/** A job at its end, and what is kept of its last attempt. */
export type Ended = {
  readonly id: string
  readonly state: string
  readonly attempt: number
  /** Those on its timeline. */
  readonly verdicts: readonly string[]
  readonly log: string
}

/** What was seen on the LAN. */
export type Seen = {
  /** Their numbers. The jobs are in the same order. */
  readonly hosts: { readonly killed: number; readonly cut: number; readonly calm: number }
  readonly jobs: readonly Ended[]
  readonly statuses: readonly { readonly context: string; readonly state: string }[]
  readonly exitCodes: readonly (number | null)[]
  readonly left: readonly { readonly processes: number; readonly machines: readonly string[] }[]
}
