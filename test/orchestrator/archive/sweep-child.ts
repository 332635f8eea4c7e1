import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { createArchive } from '../../../orchestrator/archive/archive.ts'
import { startRetention } from '../../../orchestrator/archive/start-retention.ts'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import { createRedisStore } from '../../../orchestrator/store/redis-store.ts'

/** Sweeps the Redis and the folder in argv, slowly, and says of each build whose folders it is about to remove. */
const [socket = '', folder = ''] = process.argv.slice(2)
const redis = new Redis({ path: socket, maxRetriesPerRequest: null })
const archive = createArchive({ folder })
startRetention({
  ...{ redis, prefix: 'test', store: createRedisStore({ redis, prefix: 'test' }), metrics: createMetrics() },
  archive: {
    ...archive,
    remove: async (build, attempts) => {
      process.stdout.write(`${build}\n`)
      await sleep(200)
      await archive.remove(build, attempts)
    },
  },
  retention: { builds: { age: 1000 }, logs: 1000, artifacts: 1000 },
  times: { every: 50, pause: 10, lease: 2000 },
  now: () => new Date(),
  log: pino({ level: 'silent' }),
})
