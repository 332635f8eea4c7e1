import { z } from 'zod'
import { hostDefaults } from '../defaults.ts'
import { age } from '../schema/age-schema.ts'
import { mapping } from '../schema/mapping.ts'
import { size } from '../schema/size-schema.ts'

const { templates } = hostDefaults

export const hostTemplates = mapping({
  use: z.boolean({ error: 'expected true or false' }).prefault(templates.use).meta({
    description:
      'Start machines from frozen ones. Machines of one template share pages of memory that only lie in its file; `false` boots every machine from cold.',
  }),
  quota: size({ min: '1GiB' })
    .prefault(templates.quota)
    .meta({ description: 'What all templates together may take of the disk.' }),
  max_age: age()
    .prefault(templates.maxAge)
    .meta({ description: 'Time without use after which a template is removed.' }),
}).meta({
  id: 'templates',
  description: 'Frozen machines, from which others start in a fraction of a second.',
})
