import type { LineJob } from '../../../orchestrator/queue/line-job.ts'

/** A job of one cpu, as the line knows it. */
export function aLineJob(id: string, other: Partial<LineJob> = {}): LineJob {
  return { id, attempt: 1, priority: 0, repository: 'gitea:octo/hello', resources: { cpus: 1 }, ...other }
}
