import { bounds } from '../../config/defaults.ts'
import type { TriggerEvent } from '../../config/pipeline/pipeline.ts'

/** Somebody waits for a run by hand; nobody for one by the clock. 0 is first. */
const eventPlaces: Readonly<Record<TriggerEvent, number>> = {
  manual: 0,
  tag: 5,
  push: 10,
  pull_request: 10,
  schedule: 20,
}

/** More than the places of the events, so that what the pipeline file says weighs more. */
const step = 32

/**
 * Place in line of a job, 0 is first: by the `priority` of its pipeline file, of which larger is sooner, then by what
 * started its build; within one place the older is first.
 */
export function jobPriority(priority: number, event: TriggerEvent): number {
  return (bounds.priority - priority) * step + eventPlaces[event]
}
