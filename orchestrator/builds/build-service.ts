import { aboutJob } from '../logs/about-job.ts'
import type { Build, BuildJob, DebugWish } from '../model/build.ts'
import type { Repository } from '../model/repository.ts'
import type { Trigger } from '../model/trigger.ts'
import { approveBuild } from './approve-build.ts'
import type { BuildParts } from './build-parts.ts'
import { cancelBuild } from './cancel-build.ts'
import { cancelJob } from './cancel-job.ts'
import { type Created, type CreateRequest, createBuild } from './create-build.ts'
import { endJob, startJob } from './job-moves.ts'
import { killJob } from './kill-job.ts'
import { planTrigger } from './plan-trigger.ts'
import { recoverBuilds } from './recover-builds.ts'
import { retryBuild } from './retry-build.ts'
import { retryJob } from './retry-job.ts'
import { lineUpHeld } from './running-limit.ts'
import { settleBuilds } from './settle-builds.ts'
import { type Superseded, supersedeBuilds } from './supersede-builds.ts'

/**
 * Everything that moves builds. May be called by any process of an installation, at the same time and again after a
 * crash: each move is made once.
 */
export type BuildService = {
  /**
   * Reads the pipeline file at the trigger's commit, plans the jobs, writes build and jobs, queues what can run.
   * @throws ConfigError for a name in `only` that is no job of the file
   */
  create(request: CreateRequest): Promise<Created>
  /** What a dry run would do, without writing: each rule in words, and the names of the jobs that would run. */
  explain(request: {
    repository: Repository
    trigger: Trigger
  }): Promise<{ reasons: string[]; jobs: string[] }>
  /** A host began to run a job that it holds. Never throws: what it could not tell is logged, and told at the end. */
  jobStarted(job: BuildJob): Promise<void>
  /** A job came to its verdict: dependents are queued or skipped, retries made, the build rolled up. */
  jobEnded(job: BuildJob): Promise<void>
  /** Cancels a build or a job in whatever state it is; false where it had ended or there is none. */
  cancel(id: { build: string } | { job: string }, by: string): Promise<boolean>
  /** Ends the machine of a job with SIGKILL at once, and the job as `cancelled`; false where no host has the job. */
  kill(job: string, by: string): Promise<boolean>
  /**
   * New attempts of all jobs, or of those that did not pass. Undefined where there is no such build.
   * @throws ConfigError for all of a build that still runs
   */
  retry(build: string, which: 'all' | 'failed', by: string): Promise<Build | undefined>
  /**
   * A new attempt of one job; with `debug` its machine is held where it fails. Undefined where there is no such job.
   * @throws ConfigError for one that has not ended, and where a fork's is to be debugged
   */
  retryJob(job: string, by: string, debug: DebugWish | undefined): Promise<Build | undefined>
  /** Lets a fork's pull request run at the build's commit. Undefined where there is nothing to approve. */
  approve(build: string, by: string): Promise<Build | undefined>
  /** Pull request closed, branch deleted: cancels what still runs for it, and gives how many builds that were. */
  supersede(match: Superseded, by: string): Promise<number>
  /** Puts the next jobs of a repository in line that its `limits.running` kept out of it, where it has room again. */
  lineUpHeld(repository: string): Promise<void>
  /** Ends what a process that died left half done. For each start, and now and then. */
  recover(): Promise<void>
}

export function createBuildService(parts: BuildParts): BuildService {
  return {
    create: (request) => createBuild(parts, request),
    explain: async ({ repository, trigger }) => {
      const planned = await planTrigger({ parts, repository, trigger })
      return { reasons: [...planned.reasons], jobs: planned.kind === 'plan' ? [...planned.plan.runs] : [] }
    },
    jobStarted: async (job) => {
      try {
        await startJob(parts, job)
      } catch (error) {
        aboutJob(parts.log, job).error({ err: error }, 'could not tell that the job runs')
      }
    },
    jobEnded: (job) => endJob(parts, job),
    cancel: async (id, by) => {
      const { cancelled, moved } =
        'build' in id ? await cancelBuild(parts, id.build, by) : await cancelJob(parts, id.job, by)
      await settleBuilds(parts, moved)
      return cancelled
    },
    kill: (id, by) => killJob(parts, id, by),
    retry: (id, which, by) => retryBuild(parts, { id, which, by }),
    retryJob: (id, by, debug) => retryJob(parts, { id, by, debug }),
    approve: (id, by) => approveBuild(parts, id, by),
    supersede: (match, by) => supersedeBuilds(parts, match, by),
    lineUpHeld: (repository) => lineUpHeld(parts, repository),
    recover: () => recoverBuilds(parts),
  }
}
