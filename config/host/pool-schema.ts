import { z } from 'zod'
import { jobDefaults } from '../defaults.ts'
import { networkModes } from '../pipeline/network-modes.ts'
import { choice, meaningsOf } from '../schema/choice.ts'
import { imageName } from '../schema/image-name.ts'
import { mapping } from '../schema/mapping.ts'
import { cpus, disk, memory } from '../schema/resources-schema.ts'

const modes = { none: networkModes.none, web: networkModes.web }

const machines = () => {
  const error = 'expected a whole number of machines from 1 to 1000'
  return z.int({ error }).min(1, { error }).max(1000, { error })
}

/** One entry of `pool` in the host file. */
export const poolEntry = mapping({
  image: imageName().meta({ description: 'The image of its machines.' }),
  cpus: cpus().optional().meta({ description: 'Virtual processors, as the job asks for them.' }),
  memory: memory().optional().meta({ description: 'Memory, as the job asks for it.' }),
  disk: disk().optional().meta({ description: 'Size of the root disk, as the job asks for it.' }),
  network: choice(modes)
    .prefault(jobDefaults.network)
    .meta({ description: `What its machines reach. ${meaningsOf(modes)}.` }),
  min: machines().meta({ description: 'Machines that are kept ready where there is room for them.' }),
  max: machines().optional().meta({
    description:
      'Machines that are kept ready at most: each job that finds none raises the number by one, each quarter of an hour without one lowers it again. Without it: `min`.',
  }),
})
  .superRefine(({ min, max }, context) => {
    if (max === undefined || max >= min) return
    const message = `expected at least ${min}, which \`min\` says, found ${max}`
    context.addIssue({ code: 'custom', path: ['max'], message })
  })
  .meta({
    id: 'pool',
    description:
      'Machines of one image, size and network mode that wait for jobs. What a size leaves out is what a job has that leaves it out.',
  })

export type RawPoolEntry = z.output<typeof poolEntry>
