import { z } from 'zod'
import { bounds } from '../defaults.ts'
import { mapping } from './mapping.ts'
import { size } from './size-schema.ts'

/** Part or all of what a machine has: cpus as a count, memory and disk in bytes. */
export const resources = mapping({
  cpus: cpus().optional().meta({ description: 'Virtual processors.' }),
  memory: memory().optional().meta({ description: 'Memory of the machine.' }),
  disk: disk()
    .optional()
    .meta({ description: 'Size of the root disk. Grown when it is more than the image has, never shrunk.' }),
}).meta({
  id: 'resources',
  description: 'What a machine has. A job overrides its image, the image the host.',
})

export function cpus() {
  const error = `expected a whole number of processors from 1 to ${bounds.cpus}`
  return z.int({ error }).min(1, { error }).max(bounds.cpus, { error })
}

export function memory() {
  return size({ ...bounds.memory, wholeMiB: true })
}

export function disk() {
  return size({ ...bounds.disk, wholeMiB: true })
}
