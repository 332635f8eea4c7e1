import { z } from 'zod'
import { bounds } from '../defaults.ts'
import { parseDuration } from '../duration.ts'
import { parsedBy } from './parsed-by.ts'

/** A duration in a file, as milliseconds; more than nothing and at most a week. */
export const duration = () =>
  z
    .string({ error: 'expected a duration such as 90s, 10m or 1h30m' })
    .transform(parsedBy((value) => checked(value, parseDuration(value))))
    .meta({ title: 'duration', examples: ['90s', '10m', '1h30m'] })

const checked = (value: string, ms: number): number => {
  if (ms > 0 && ms <= parseDuration(bounds.duration)) return ms
  throw new RangeError(`expected a duration of more than 0 and at most ${bounds.duration}, found "${value}"`)
}
