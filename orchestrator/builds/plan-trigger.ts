import { openCatalogue } from '../../images/catalogue.ts'
import type { Repository } from '../model/repository.ts'
import type { Trigger } from '../model/trigger.ts'
import type { BuildParts } from './build-parts.ts'
import { chooseJobs } from './choose-jobs.ts'
import { type BuildPlan, planBuild } from './plan-build.ts'
import { problemText } from './problem-text.ts'
import { readPipeline } from './read-pipeline.ts'

type PlanTrigger = {
  parts: Pick<BuildParts, 'mirror' | 'resolveRef' | 'host' | 'hostCapacity' | 'knownLabels' | 'fetchDelays'>
  repository: Repository
  trigger: Trigger
  only?: readonly string[] | undefined
}

/** What a trigger comes to: nothing, as its message asks for; a problem; or jobs, of which none may have to run. */
export type PlannedTrigger =
  | { readonly kind: 'skip'; readonly reasons: readonly string[] }
  | { readonly kind: 'problem'; readonly problem: string; readonly reasons: readonly string[] }
  | { readonly kind: 'plan'; readonly plan: BuildPlan; readonly reasons: readonly string[] }

/**
 * Reads the pipeline file of a trigger's commit and plans its jobs; writes nothing.
 * @throws ConfigError for a name in `only` that is no job of the file
 */
export async function planTrigger({
  parts,
  repository,
  trigger,
  only,
}: PlanTrigger): Promise<PlannedTrigger> {
  const read = await orProblem(() => readPipeline({ parts, repository, trigger }))
  if ('kind' in read) return read
  if (read.skip !== undefined) return { kind: 'skip', reasons: [read.skip] }
  const { pipeline, changedFiles, reason } = read
  chooseJobs(pipeline, only)
  const { host } = parts
  const capacities = await parts.hostCapacity()
  const knownLabels = await parts.knownLabels?.()
  const catalogue = openCatalogue(host.images)
  const plan = await orProblem(async () =>
    planBuild({
      ...{ pipeline, trigger, repository, changedFiles, host, catalogue, capacities, knownLabels, only },
    }),
  )
  if ('kind' in plan) return plan
  return { kind: 'plan', plan, reasons: [reason, ...plan.reasons] }
}

async function orProblem<T>(
  work: () => Promise<T>,
): Promise<T | Extract<PlannedTrigger, { kind: 'problem' }>> {
  try {
    return await work()
  } catch (error) {
    const problem = problemText(error)
    return { kind: 'problem', problem, reasons: problem.split('\n') }
  }
}
