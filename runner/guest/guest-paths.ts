/** Where a job's own things lie in its machine. Everything secret is in memory; only output is on disk. */
export const guestPaths = {
  /** memory-backed, owner-only: environment, scripts, statuses */
  jobFolder: '/run/mayfly/job',
  env: '/run/mayfly/job/env',
  /** secret values, put there after `setup`, which must not see them */
  secrets: '/run/mayfly/job/secrets',
  helper: '/run/mayfly/job/step',
  /** to be sourced by who comes in afterwards: environment and folder of the step that failed */
  here: '/run/mayfly/job/here',
  /** KEY=value lines a step leaves for those after it */
  envFile: '/run/mayfly/job/mayfly-env',
  /** on disk: output of steps, and the upload until it is unpacked */
  outputFolder: '/var/lib/mayfly',
  uploadTar: '/var/lib/mayfly/upload.tar',
} as const

/** The working directory of a job. */
export function workFolder(user: string): string {
  return `/home/${user}/work`
}

/** The folder of one step under the job's folder. */
export function stepFolder(index: number): string {
  return `${guestPaths.jobFolder}/${index}`
}
