import type { BuildParts } from '../../../orchestrator/builds/build-parts.ts'
import type { BuildService } from '../../../orchestrator/builds/build-service.ts'
import type { Repository, RepositoryLimits } from '../../../orchestrator/model/repository.ts'
import { aRepository } from '../../orchestrator/builds/a-repository.ts'
import { aTrigger } from '../../orchestrator/builds/build-world.ts'
import type { FleetPlan, PlannedRepository } from './fleet-plan.ts'

type Installation = { readonly parts: Pick<BuildParts, 'store'>; readonly builds: BuildService }

export type Pusher = {
  /** Ids of all jobs that were asked for, with whose they are. */
  readonly jobs: ReadonlyMap<string, PlannedRepository>
  /** The pipeline file of a commit, as a mirror reads it. */
  readonly readFile: BuildParts['mirror']['readFile']
  /** Makes the builds whose time has come when so many jobs have ended. */
  push(installation: Installation, ended: number): Promise<void>
}

/** Builds made at the same time. */
const atOnce = 8

/** Asks for the builds of a plan, each once. The commit of a build is its number in the plan. */
export function createPusher(plan: FleetPlan): Pusher {
  const jobs = new Map<string, PlannedRepository>()
  let registered: Promise<unknown> | undefined
  let next = 0
  const make = async ({ builds }: Installation, index: number) => {
    const planned = plan.builds[index]
    if (planned === undefined) return
    const { build, reasons } = await builds.create({
      repository: registeredAs(planned.repository),
      trigger: aTrigger({ sha: index.toString(16).padStart(40, '0') }),
    })
    if (build?.jobs.length !== planned.jobs)
      throw new Error(`expected a build of ${planned.jobs} jobs, got none: ${reasons.join('; ')}`)
    for (const id of build.jobs) jobs.set(id, planned.repository)
  }
  return {
    jobs,
    readFile: async (_repository, sha) => {
      const build = plan.builds[Number.parseInt(sha, 16)]
      return build && pipelineFile(build.jobs, build.repository.priority)
    },
    push: async (installation, ended) => {
      registered ??= Promise.all(
        plan.repositories.map((one) => installation.parts.store.repositories.put(registeredAs(one))),
      )
      await registered
      const isDue = () => (plan.builds[next]?.after ?? Number.POSITIVE_INFINITY) <= ended
      const work = async () => {
        while (isDue()) await make(installation, next++)
      }
      await Promise.all(Array.from({ length: atOnce }, work))
    },
  }
}

function registeredAs({ name, weight }: PlannedRepository): Repository {
  const limits: RepositoryLimits = {
    running: undefined,
    queued: 1e6,
    matrix: 64,
    weight,
  }
  return aRepository({ name, limits })
}

function pipelineFile(jobs: number, priority: number): string {
  const job = (index: number) =>
    `  job-${index}: { priority: ${priority}, resources: { cpus: 1, memory: 1GiB }, steps: [make] }\n`
  return `jobs:\n${Array.from({ length: jobs }, (_, index) => job(index)).join('')}`
}
