import type { TriggerEvent } from '../../config/pipeline/pipeline.ts'

/** What asks for a build, in words that are the same for every forge. */
export type Trigger = {
  readonly event: TriggerEvent
  /** The commit to build, full hex. */
  readonly sha: string
  /** Such as `refs/heads/main`, `refs/tags/v1`, `refs/pull/7/head`; what is fetched. */
  readonly ref: string
  /** The branch pushed to, or the target branch of a pull request; undefined for a tag. */
  readonly branch: string | undefined
  readonly tag: string | undefined
  /** First line of the commit's or the pull request's message. */
  readonly title: string
  readonly author: string
  /** Who did it, as the forge names them. */
  readonly actor: string
  /** The commit before, for the changed files; undefined where there is none. */
  readonly before: string | undefined
  readonly pullRequest: PullRequest | undefined
  readonly inputs: Readonly<Record<string, string>>
}

export type PullRequest = {
  readonly number: number
  /** From another repository than the target: no secrets, no debug, approval first. */
  readonly fork: boolean
  readonly sourceBranch: string
  readonly targetBranch: string
  /** The target branch's commit, whose pipeline file a fork gets; undefined where the forge does not say it. */
  readonly targetSha: string | undefined
  /** Page of the pull request. */
  readonly url: string
}
