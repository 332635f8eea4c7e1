import type { FailureClass } from '../../config/errors.ts'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { Job } from '../../config/pipeline/pipeline.ts'
import type { Catalogue } from '../../images/catalogue.ts'
import type { Resources } from '../../images/image.ts'
import { resolveResources } from '../../runner/job/resolve-resources.ts'
import type { Repository } from '../model/repository.ts'
import type { Trigger } from '../model/trigger.ts'
import { resolveGroup } from './concurrency.ts'
import { isForkBuild, withoutTrust } from './fork-policy.ts'
import type { Globs } from './globs.ts'
import type { HostCapacity } from './host-capacity.ts'
import { inputVariables } from './input-variables.ts'
import { refuseJob } from './refuse-job.ts'
import { whenMatches } from './when-matches.ts'

/** What every job of a build is planned with. */
export type PlanContext = {
  trigger: Trigger
  repository: Pick<Repository, 'images'>
  /** undefined where it can't be told. */
  changedFiles: readonly string[] | undefined
  host: Pick<HostConfig, 'defaultImage' | 'resources'>
  catalogue: Catalogue
  /** The hosts that were heard of in the last 30 days, there or away; empty where none is known. */
  capacities: readonly HostCapacity[]
  /** Labels of each host that was ever heard of. @defaultValue those of `capacities` */
  knownLabels?: readonly (readonly string[])[] | undefined
  globs: Globs
}

export type PlannedJob = {
  readonly name: string
  readonly job: Job
  /** Names of jobs of the plan, matrix variants one by one. Never in a circle. */
  readonly needs: readonly string[]
  readonly resources: Resources
  /** Labels that it asks for, sorted, each once; absent where it asks for none. */
  readonly runsOn?: readonly string[]
  /** `blocked` where it is to run once its needs passed. */
  readonly state: 'blocked' | 'skipped' | 'errored'
  readonly failure: FailureClass | undefined
  /** Why it runs, why it does not, or why it can't. */
  readonly reason: string
  readonly hint: string | undefined
}

/** One job of a build, its matrix values filled in: whether it runs, with what, and why not. */
export function planJob(variant: Job, needs: readonly string[], context: PlanContext): PlannedJob {
  const { trigger, repository, host, catalogue, capacities, changedFiles, globs } = context
  const image = variant.image ?? host.defaultImage
  const resources = resolveResources({
    job: variant.resources,
    image: catalogue.get(image)?.resources ?? {},
    host: host.resources,
  })
  const runsOn = [...new Set(variant.runsOn)].sort()
  const planned = {
    ...{ name: variant.name, job: jobOfBuild(variant, trigger), needs, resources },
    ...(runsOn.length === 0 ? {} : { runsOn }),
  }
  const { runs, reason } = whenMatches({ when: variant.when, trigger, changedFiles, globs })
  if (!runs) return { ...planned, state: 'skipped', failure: undefined, reason, hint: undefined }
  const knownLabels = context.knownLabels ?? capacities.map(({ labels = [] }) => labels)
  const allowed = repository.images
  const refusal = refuseJob({ image, resources, runsOn, allowed, capacities, knownLabels, catalogue })
  if (refusal !== undefined) return { ...planned, state: 'errored', failure: 'config', ...refusal }
  return { ...planned, state: 'blocked', failure: undefined, reason, hint: undefined }
}

function jobOfBuild(variant: Job, trigger: Trigger): Job {
  const { concurrency, name } = variant
  const job = {
    ...variant,
    env: { ...inputVariables(trigger.inputs), ...variant.env },
    concurrency: concurrency && resolveGroup({ concurrency, job: name, trigger }),
  }
  return isForkBuild(trigger) ? withoutTrust(job) : job
}
