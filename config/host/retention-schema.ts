import { z } from 'zod'
import { hostDefaults } from '../defaults.ts'
import { age } from '../schema/age-schema.ts'
import { mapping } from '../schema/mapping.ts'

const { retention } = hostDefaults

/** The newest of each repository by number, or all up to an age. */
const keptBuilds = () => {
  const error = 'expected a number of builds of at least 1, or an age such as 90d'
  const count = z
    .int({ error })
    .min(1, { error })
    .transform((newest) => ({ newest }))
  return z
    .union([count, age().transform((ms) => ({ age: ms }))], { error })
    .meta({ title: 'number or duration', examples: [1000, '90d'] })
}

/** How long what has ended is kept. */
export const hostRetention = mapping({
  builds: keptBuilds().prefault(retention.builds).meta({
    description:
      'Finished builds with all that belongs to them: so many of the newest of each repository, or those that ended in this time.',
  }),
  logs: age().prefault(retention.logs).meta({
    description: 'Logs, consoles and timelines of jobs, counted from the end of their build.',
  }),
  artifacts: age()
    .prefault(retention.artifacts)
    .meta({ description: 'Artifacts, counted from the end of their build.' }),
}).meta({ id: 'retention', description: 'How long what has ended is kept. What runs is never removed.' })
