import type { BuildJob, JobHold } from './build.ts'

/** Of a machine that is kept. */
export type KeptHold = Extract<JobHold, { state: 'held' }>

/** Whether a job's machine is kept now. That of a host which was killed is so until its time, for nobody wrote its end. */
export function isKept<J extends Pick<BuildJob, 'hold'>>(
  job: J,
  now: Date,
): job is J & { readonly hold: KeptHold } {
  return job.hold?.state === 'held' && Date.parse(job.hold.until) > now.getTime()
}
