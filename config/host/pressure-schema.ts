import { z } from 'zod'
import { hostDefaults } from '../defaults.ts'
import { mapping } from '../schema/mapping.ts'
import { size } from '../schema/size-schema.ts'

const { pressure } = hostDefaults
const percent = 'expected a number of percent from 1 to 100'

/** When this host takes no further jobs. */
export const hostPressure = mapping({
  disk_free: size().prefault(pressure.diskFree).meta({
    description: 'Free space on the disks of the data folder and of the archive below which no job is taken.',
  }),
  memory_free: size()
    .prefault(pressure.memoryFree)
    .meta({ description: 'Memory that is available on the host below which no job is taken.' }),
  memory_stall: z
    .number({ error: percent })
    .min(1, { error: percent })
    .max(100, { error: percent })
    .prefault(pressure.memoryStall)
    .meta({
      title: 'percent',
      description:
        'Share of the last ten seconds in which all that runs on the host waited for memory, above which no job is taken (`full avg10` of /proc/pressure/memory, where there is one).',
    }),
}).meta({
  id: 'pressure',
  description:
    'When this host takes no further jobs: what runs goes on, and jobs are taken again by themselves.',
})
