import { ConfigError } from '../../../config/errors.ts'
import { nearest } from '../../../config/nearest.ts'
import type { Job, Pipeline } from '../../../config/pipeline/pipeline.ts'

/**
 * The jobs to run, each after those it needs; only the named one where one is named.
 * Throws ConfigError for a name that the file does not have, and for a matrix, which a server expands.
 */
export function selectJobs(pipeline: Pipeline, name: string | undefined): Job[] {
  const jobs = name === undefined ? inOrderOfNeeds(pipeline.jobs) : [findJob(pipeline, name)]
  const matrix = jobs.find((job) => job.matrix !== undefined)
  if (matrix !== undefined) {
    throw new ConfigError(`job "${matrix.name}" has a matrix, which mayfly run cannot run yet`, {
      hint: 'choose another job with --job NAME',
    })
  }
  return jobs
}

function findJob({ jobs, file }: Pipeline, name: string): Job {
  const job = jobs.find((candidate) => candidate.name === name)
  if (job !== undefined) return job
  const known = jobs.map((candidate) => candidate.name)
  const near = nearest(name, known)
  throw new ConfigError(`expected a job of ${file} (${known.join(', ')}), got "${name}"`, {
    hint: near === undefined ? undefined : `did you mean --job ${near}?`,
  })
}

// Circles and needs of jobs that do not exist were refused when the file was loaded.
function inOrderOfNeeds(jobs: readonly Job[]): Job[] {
  const ordered: Job[] = []
  const visit = (job: Job) => {
    if (ordered.includes(job)) return
    for (const need of job.needs) {
      const needed = jobs.find(({ name }) => name === need)
      if (needed !== undefined) visit(needed)
    }
    ordered.push(job)
  }
  for (const job of jobs) visit(job)
  return ordered
}
