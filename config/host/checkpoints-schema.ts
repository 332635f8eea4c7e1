import { z } from 'zod'
import { hostDefaults } from '../defaults.ts'
import { age } from '../schema/age-schema.ts'
import { mapping } from '../schema/mapping.ts'
import { size } from '../schema/size-schema.ts'

const { checkpoints } = hostDefaults

export const hostCheckpoints = mapping({
  use: z.boolean({ error: 'expected true or false' }).prefault(checkpoints.use).meta({
    description:
      'Run the `setup` of jobs that ask for the same once, and keep what it made of the machine. Needs `templates: { use: true }`.',
  }),
  quota: size({ min: '1GiB' }).prefault(checkpoints.quota).meta({
    description: 'What all checkpoints together may take of the disk; those used longest ago go first.',
  }),
  max_age: age()
    .prefault(checkpoints.maxAge)
    .meta({ description: 'Time without use after which a checkpoint is removed.' }),
}).meta({
  id: 'checkpoints',
  description: 'Machines frozen after the `setup` of a job, from which later jobs with the same setup start.',
})
