import type { Job } from '../../config/pipeline/pipeline.ts'
import type { Build } from '../model/build.ts'
import type { Trigger } from '../model/trigger.ts'

/** Whether a build runs code of somebody who could not push it here. */
export function isForkBuild(trigger: Pick<Trigger, 'pullRequest'>): boolean {
  return trigger.pullRequest?.fork === true
}

/** Whether nobody with write access has said yes to this very commit yet. */
export function needsApproval({ trigger, approval }: Pick<Build, 'trigger' | 'approval'>): boolean {
  return isForkBuild(trigger) && approval?.sha !== trigger.sha
}

/** A job as a fork's pull request may run it: it knows no secret, and nobody walks into its machine. */
export function withoutTrust(job: Job): Job {
  return { ...job, secrets: [], debug: { ...job.debug, on: 'never' } }
}
