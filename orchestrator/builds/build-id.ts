import type { Trigger } from '../model/trigger.ts'
import { ulidOf } from './ulid-of.ts'

type BuildId = {
  /** ULID of the delivery that asks for the build; undefined where none does. */
  delivery: string | undefined
  trigger: Pick<Trigger, 'event' | 'ref' | 'sha'>
  newId: () => string
}

/**
 * Id of a build, a ULID. For a delivery it is the delivery's time and a hash of what is asked for: work on a delivery
 * that was interrupted and begins anew comes to the same build, and not to a second one.
 */
export function buildId({ delivery, trigger, newId }: BuildId): string {
  if (delivery === undefined || !/^[0-9a-hjkmnp-tv-z]{26}$/.test(delivery)) return newId()
  const words = [delivery, trigger.event, trigger.ref, trigger.sha]
  return ulidOf({ time: delivery.slice(0, 10), words })
}
