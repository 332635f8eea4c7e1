import type { BuildJob } from '../../model/build.ts'
import { StateMark } from './state-mark.tsx'

/** The jobs of a build in columns: each after those it needs. Read in order it is a list, so no picture is needed. */
export function JobGraph({ jobs }: { jobs: readonly BuildJob[] }) {
  const columns = layers(jobs)
  const names = new Map(jobs.map(({ id, name }) => [id, name]))
  return (
    <ol class="graph" aria-label="Jobs, each after those it needs">
      {columns.map((column) => (
        <li>
          <ul>
            {column.map((job) => (
              <li class={`job job-${job.state}`}>
                <a href={`/jobs/${job.id}`}>{job.name}</a> <StateMark state={job.state} />
                {job.needs.length > 0 ? (
                  <span class="dim"> after {job.needs.map((id) => names.get(id) ?? id).join(', ')}</span>
                ) : null}
                {job.reason === undefined ? null : <p class="reason">{job.reason}</p>}
                {job.waiting === undefined ? null : <p class="dim">{job.waiting}</p>}
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  )
}

/** Column of a job: one more than the last of those it needs. */
function layers(jobs: readonly BuildJob[]): BuildJob[][] {
  const known = new Map(jobs.map((job) => [job.id, job]))
  const depths = new Map<string, number>()
  const depth = (job: BuildJob): number => {
    const found = depths.get(job.id)
    if (found !== undefined) return found
    // A circle cannot be planned; should one be stored all the same, it is drawn and not followed.
    depths.set(job.id, 0)
    const needed = job.needs.flatMap((id) => known.get(id) ?? [])
    const own = needed.length === 0 ? 0 : 1 + Math.max(...needed.map(depth))
    depths.set(job.id, own)
    return own
  }
  const columns: BuildJob[][] = []
  for (const job of jobs) {
    const own = depth(job)
    columns[own] = [...(columns[own] ?? []), job]
  }
  return columns.filter((column) => column !== undefined)
}
