import type { Job, Step } from '../../../config/pipeline/pipeline.ts'

/** A step that is not run but left to whoever comes in. */
export type NextStep = { readonly index: number; readonly step: Step }

export type Stopped = { readonly job: Job; readonly next: NextStep | undefined }

/**
 * A job as far as the step that failed: without it, or with it where `through` asks for that. `failed` counts setup and
 * steps together, from 0; undefined leaves the job as it is. Nothing is collected of it.
 */
export function stopBefore(job: Job, failed: number | undefined, through: boolean): Stopped {
  const whole = { ...job, artifacts: [] }
  if (failed === undefined) return { job: whole, next: undefined }
  const end = through ? failed + 1 : failed
  const inSetup = failed < job.setup.length
  const run = job.setup[failed] ?? ''
  const step = inSetup
    ? {
        name: job.setup.length === 1 ? 'setup' : `setup ${failed + 1}`,
        run,
        timeout: undefined,
        shell: job.shell,
        env: {},
      }
    : job.steps[failed - job.setup.length]
  return {
    job: inSetup
      ? { ...whole, setup: job.setup.slice(0, end), steps: [] }
      : { ...whole, steps: job.steps.slice(0, end - job.setup.length) },
    next: through || step === undefined ? undefined : { index: failed, step },
  }
}
