/** How a job ended. `failed` means that a step of the user's said no, and nothing else. */
export type Verdict = 'passed' | 'failed' | 'errored' | 'timed-out' | 'cancelled' | 'skipped'

/** The life of a job in order; each phase is timed and can be cancelled. */
export const phases = [
  'image',
  'boot',
  'setup',
  'upload',
  'steps',
  'collect',
  'reported',
  'destroyed',
] as const

export type Phase = (typeof phases)[number]
