import { resolveResources } from '../../runner/job/resolve-resources.ts'
import { createPool, type Pool } from '../../runner/pool/create-pool.ts'
import type { PoolWant } from '../../runner/pool/pool-want.ts'
import { reportPool } from '../metrics/pool-metrics.ts'
import { type Resources, shortage } from '../queue/capacity.ts'
import type { WorkerParts } from './worker-parts.ts'

type HostPool = {
  parts: WorkerParts
  capacity: Resources
  /** What is not given to jobs. */
  spare: () => Resources
  /** Whether jobs come to this host. */
  isOpen: () => boolean
}

/**
 * The machines that wait for jobs on this host, as its host file says. None is started before the first look.
 * @throws ConfigError for an image that no catalogue knows
 */
export function createHostPool({ parts, capacity, spare, isOpen }: HostPool): Pool {
  const { host, shelf, startMachine, metrics, log } = parts
  const wants = host.pool.map((entry): PoolWant => {
    shelf.checkName(entry.image)
    const image = shelf.catalogue.get(entry.image)?.resources ?? {}
    // As a job is planned that says the same.
    const resources = resolveResources({ job: entry.resources, image, host: host.resources })
    const misfit = shortage(capacity, resources, 'total')
    if (misfit !== undefined) log.warn({ image: entry.image }, `a pool that stays empty: ${misfit}`)
    return { ...entry, resources }
  })
  const pool = createPool({
    ...{ wants, start: startMachine, capacity, spare, isOpen, log },
    ensureImage: (name, signal) => shelf.ensure(name, { signal }),
    onTake: (image, result) => metrics.poolTakes.inc({ image, result }),
  })
  if (wants.length > 0) reportPool({ metrics, pool })
  return pool
}
