import { ConfigError } from '../../config/errors.ts'
import type { Job, Pipeline } from '../../config/pipeline/pipeline.ts'
import type { Repository } from '../model/repository.ts'
import type { Trigger } from '../model/trigger.ts'
import { chooseJobs } from './choose-jobs.ts'
import { expandMatrix } from './expand-matrix.ts'
import { isForkBuild } from './fork-policy.ts'
import { createGlobs } from './globs.ts'
import { nextJobs } from './next-jobs.ts'
import { type PlanContext, type PlannedJob, planJob } from './plan-job.ts'

/** A file may have 500 jobs and each of them a matrix; this holds for all together. */
const mostJobs = 1000
/** Milliseconds that the globs of one file may take in all. */
const globBudget = 2000

export type PlanBuild = Omit<PlanContext, 'repository' | 'globs'> & {
  pipeline: Pipeline
  repository: Pick<Repository, 'images' | 'limits'>
  /** Jobs of the file, with what they need; undefined for all. */
  only?: readonly string[] | undefined
}

export type BuildPlan = {
  readonly jobs: readonly PlannedJob[]
  /** Names of the jobs that run if those they need pass. */
  readonly runs: readonly string[]
  /** One sentence for each job: whether it runs, and why. */
  readonly reasons: readonly string[]
}

/**
 * The jobs of a build: matrices expanded, conditions looked at, sizes resolved, what can never run refused. A job whose
 * conditions are not met is skipped, and with it what needs it.
 * @throws ConfigError where the file can't be planned at all: a matrix too large, a name in `only` that is no job
 */
export function planBuild({ pipeline, only, ...rest }: PlanBuild): BuildPlan {
  const context = { ...rest, globs: createGlobs({ budget: globBudget }) }
  const chosen = chooseJobs(pipeline, only)
  const variants = expandAll(chosen, rest.repository.limits.matrix)
  const jobs = chosen.flatMap((job) => {
    const needs = job.needs.flatMap((need) => variants.get(need)?.map(({ name }) => name) ?? [])
    return variants.get(job.name)?.map((variant) => planJob(variant, needs, context)) ?? []
  })
  return { jobs, ...tell(jobs, rest.trigger) }
}

function expandAll(jobs: readonly Job[], limit: number): Map<string, Job[]> {
  const taken = new Set(jobs.map(({ name }) => name))
  const variants = new Map<string, Job[]>()
  let count = 0
  for (const job of jobs) {
    const expanded = expandMatrix({ job, limit, taken })
    count += expanded.length
    if (count > mostJobs) {
      throw new ConfigError(`expected a build of at most ${mostJobs} jobs, got more`, {
        hint: 'split the file, or make its matrices smaller',
      })
    }
    variants.set(job.name, expanded)
  }
  return variants
}

function tell(jobs: readonly PlannedJob[], trigger: Trigger): Pick<BuildPlan, 'runs' | 'reasons'> {
  const { skipped } = nextJobs(jobs.map((job) => ({ ...job, id: job.name })))
  const unmet = new Map(skipped.map(({ id, reason }) => [id, reason]))
  const runs = jobs.filter(({ name, state }) => state === 'blocked' && !unmet.has(name))
  const running = new Set(runs.map(({ name }) => name))
  const sentences = jobs.map(({ name, reason }) =>
    running.has(name) ? `job ${name}: runs, ${reason}` : `job ${name}: not run, ${unmet.get(name) ?? reason}`,
  )
  const fork = isForkBuild(trigger)
    ? ["from a fork: the pipeline file is the target branch's, no secrets, no debug, approval first"]
    : []
  return { runs: [...running], reasons: [...fork, ...sentences] }
}
