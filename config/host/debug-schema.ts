import { z } from 'zod'
import { hostDefaults } from '../defaults.ts'
import { age } from '../schema/age-schema.ts'
import { duration } from '../schema/duration-schema.ts'
import { mapping } from '../schema/mapping.ts'
import { size } from '../schema/size-schema.ts'
import { line } from '../schema/text.ts'
import { listenAddress } from './server-schema.ts'

const { debug } = hostDefaults

const slots = (what: string) =>
  z
    .int({ error: `expected how many machines may be kept ${what}` })
    .min(1)
    .max(64)

const parked = mapping({
  quota: size({ min: '1GiB' })
    .prefault(debug.parked.quota)
    .meta({ description: 'What all parked machines together may take; the oldest go first.' }),
  max_age: age()
    .prefault(debug.parked.maxAge)
    .meta({ description: 'Time after which a parked machine is removed.' }),
}).meta({ id: 'parked', description: 'Machines of failed jobs, frozen with their jobs to be resumed later.' })

export const hostDebug = mapping({
  listen: listenAddress().prefault(debug.listen).meta({
    description: 'Where the SSH gateway listens. Anything but a loopback address is open to others.',
  }),
  address: line('a host name or an address').optional().meta({
    description: 'Name of this host as maintainers reach it. Without it: where the gateway listens.',
  }),
  slots: slots('on this host')
    .prefault(debug.slots)
    .meta({ description: 'Machines that are kept on this host at a time, beside those of jobs.' }),
  per_repository: slots('for one repository')
    .prefault(debug.perRepository)
    .meta({ description: 'Machines that are kept for one repository at a time.' }),
  longest: duration()
    .prefault(debug.longest)
    .meta({ description: 'Time after which a kept machine is ended, whatever a job asks for.' }),
  parked: parked.prefault({}).meta({ description: 'What may be parked in the archive.' }),
}).meta({
  id: 'host_debug',
  description: 'Debug SSH into the machines of jobs that failed. See [debug](debug.md).',
})
