/** What asked for a job; each becomes a variable of every step. */
export type JobContext = {
  readonly jobId: string
  readonly buildId: string
  readonly repo: string
  readonly ref: string
  readonly sha: string
  readonly event: string
}

/** The environment of every step of a job: Mayfly's own variables win over the pipeline file's. */
export function jobEnvironment(
  env: Readonly<Record<string, string>>,
  context: JobContext,
): Record<string, string> {
  return {
    ...setupEnvironment(env),
    MAYFLY_JOB_ID: context.jobId,
    MAYFLY_BUILD_ID: context.buildId,
    MAYFLY_REPO: context.repo,
    MAYFLY_REF: context.ref,
    MAYFLY_SHA: context.sha,
    MAYFLY_EVENT: context.event,
  }
}

/** The environment of `setup`, whose result is for other builds too, so that it hears of none. */
export function setupEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  return {
    LANG: 'C.UTF-8',
    DEBIAN_FRONTEND: 'noninteractive',
    ...env,
    CI: env.CI ?? 'true',
    MAYFLY: 'true',
  }
}
