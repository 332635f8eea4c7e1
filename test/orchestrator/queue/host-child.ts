import { Redis } from 'ioredis'
import { pino } from 'pino'
import { createJobQueue } from '../../../orchestrator/queue/job-queue.ts'
import { takeJobs } from '../../../orchestrator/queue/take-jobs.ts'

const connection = new Redis({ path: process.argv[2] ?? '', maxRetriesPerRequest: null })

/** A host on the Redis in argv that says which job it took and never ends it. */
takeJobs({
  ...{ connection, prefix: 'test' },
  hostName: 'child',
  queue: createJobQueue({ connection, prefix: 'test' }),
  capacity: { cpus: 4, memory: 2 ** 33 },
  needs: async () => ({ cpus: 1, memory: 2 ** 30 }),
  run: ({ id, redelivered }) => {
    process.stdout.write(`${id} ${redelivered}\n`)
    return new Promise(() => undefined)
  },
  onPoison: async () => undefined,
  onMisfit: async () => 'ended',
  log: pino({ level: 'silent' }),
  timing: { lock: 1200, stalledCheck: 200 },
})
