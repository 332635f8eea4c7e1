import type { TriggerEvent } from '../../config/pipeline/pipeline.ts'

/** Somebody waits for a run by hand; nobody for one by the clock. 0 is first. */
const priorities: Readonly<Record<TriggerEvent, number>> = {
  manual: 0,
  tag: 5,
  push: 10,
  pull_request: 10,
  schedule: 20,
}

/** Place in line of the jobs of a build; within one priority the older is first. */
export function jobPriority(event: TriggerEvent): number {
  return priorities[event]
}
