import type { z } from 'zod'
import type { Build, BuildJob } from '../../model/build.ts'
import type { buildSchema, jobSchema } from './build-schemas.ts'

/** What of a build is for other eyes. */
export function showBuild(build: Build, publicUrl: string): z.input<typeof buildSchema> {
  const { id, repository, state, created, started, ended, problem, trigger } = build
  const { event, sha, ref, branch, tag, title, author, pullRequest } = trigger
  return {
    ...{
      id,
      repository,
      state,
      event,
      sha,
      ref,
      branch,
      tag,
      title,
      author,
      created,
      started,
      ended,
      problem,
    },
    pullRequest: pullRequest && { number: pullRequest.number, fork: pullRequest.fork, url: pullRequest.url },
    url: `${publicUrl}/builds/${id}`,
  }
}

/** What of a job is for other eyes; its script and environment are in the repository. */
export function showJob(job: BuildJob, publicUrl: string): z.input<typeof jobSchema> {
  const {
    id,
    build,
    repository,
    name,
    state,
    attempt,
    needs,
    resources,
    host,
    created,
    queued,
    started,
    ended,
  } = job
  const { failure, reason, hint, waiting, hold } = job
  return {
    ...{
      id,
      build,
      repository,
      name,
      state,
      attempt,
      needs,
      resources,
      host,
      created,
      queued,
      started,
      ended,
    },
    ...{ failure, reason, hint, waiting, hold },
    runsOn: job.runsOn,
    visit: state === 'running' ? job.visit : undefined,
    debug: job.debug && { by: job.debug.by, at: job.debug.at },
    image: job.job.image,
    url: `${publicUrl}/jobs/${id}`,
  }
}
