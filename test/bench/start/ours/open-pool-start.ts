import { setTimeout as sleep } from 'node:timers/promises'
import { resolveResources } from '../../../../runner/job/resolve-resources.ts'
import { createPool, type Pool } from '../../../../runner/pool/create-pool.ts'
import { withPool } from '../../../../runner/pool/with-pool.ts'
import { startOnHost } from '../../../../runner/start-on-host.ts'
import type { Contender, StartPlace } from '../contender.ts'
import { startEach } from './start-each.ts'
import { expectStart, timedJob } from './timed-job.ts'

const readyWithinMs = 10 * 60_000
/** Longer than any crowd takes: nothing new is started beside machines that are timed. */
const hour = 60 * 60_000

/** Machines out of a pool that is filled for each crowd before the clock starts, and emptied after it. */
export function openPoolStart(place: StartPlace): Contender {
  const { bench, data } = place
  const host = { ...bench.host, templates: { ...bench.host.templates, use: true } }
  const start = startOnHost({ host, dataFolder: data })
  const image = bench.image.profile.resources
  const resources = resolveResources({ job: {}, image, host: host.resources })
  return {
    what: 'pool',
    async start(crowd) {
      const { atOnce } = crowd
      const room = { cpus: atOnce * resources.cpus, memory: atOnce * resources.memory }
      const pool = createPool({
        wants: [{ image: bench.image.name, resources, network: 'none', min: atOnce, max: atOnce }],
        ...{ start, capacity: room, spare: () => room, lookMs: hour },
        ensureImage: async () => bench.image,
        log: { info: () => undefined, warn: (fields, message) => console.error(message, fields) },
      })
      try {
        await untilReady(pool, atOnce)
        const startMachine = withPool(start, pool)
        return await startEach(crowd, async (id) => {
          const { record, figures } = await timedJob({ place, id, host, startMachine })
          expectStart(record, 'pool')
          return figures
        })
      } finally {
        await pool.drain()
      }
    },
  }
}

async function untilReady(pool: Pool, count: number): Promise<void> {
  const end = performance.now() + readyWithinMs
  while (pool.counts()[0]?.ready !== count) {
    if (performance.now() > end)
      throw new Error(`expected a pool with ${count} machines ready within ${readyWithinMs / 60_000} min`)
    pool.look()
    await sleep(100)
  }
}
