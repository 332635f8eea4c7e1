import { expect } from 'vitest'
import type { Reading } from '../../../orchestrator/forges/forge.ts'
import type { Trigger } from '../../../orchestrator/model/trigger.ts'

/** The trigger of a delivery that has exactly one reading, which is one. */
export function onlyTrigger(readings: readonly Reading[]): Trigger {
  expect(readings).toHaveLength(1)
  const [reading] = readings
  if (reading?.kind !== 'trigger') throw new Error(`expected a trigger, got ${JSON.stringify(reading)}`)
  return reading.trigger
}

/** The reason of a delivery that has exactly one reading, which is ignored. */
export function onlyReason(readings: readonly Reading[]): string {
  expect(readings).toHaveLength(1)
  const [reading] = readings
  if (reading?.kind !== 'ignored')
    throw new Error(`expected it to be ignored, got ${JSON.stringify(reading)}`)
  return reading.reason
}
