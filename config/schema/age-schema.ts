import { z } from 'zod'
import { bounds } from '../defaults.ts'
import { parseDuration } from '../duration.ts'
import { parsedBy } from './parsed-by.ts'

/** How old something may become, as milliseconds. No timer waits for it, so it may be years. */
export const age = () =>
  z
    .string({ error: 'expected an age such as 12h, 30d or 365d' })
    .transform(parsedBy((value) => checked(value, parseDuration(value))))
    .meta({ title: 'duration', examples: ['12h', '30d', '365d'] })

const checked = (value: string, ms: number): number => {
  if (ms > 0 && ms <= parseDuration(bounds.age)) return ms
  throw new RangeError(`expected an age of more than 0 and at most ${bounds.age}, found "${value}"`)
}
