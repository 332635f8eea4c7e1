import { Redis } from 'ioredis'
import { pino } from 'pino'
import { startEmbeddedRedis } from '../../../orchestrator/redis/embedded-redis.ts'

/** Supervises the Redis of the data folder in argv until it is killed. */
const { socket } = await startEmbeddedRedis({
  dataFolder: process.argv[2] ?? '',
  env: process.env,
  uid: process.getuid?.() ?? 0,
  log: pino({ level: 'silent' }),
})
const redis = new Redis({ path: socket })
await redis.set('from-child', 'yes')
process.stdout.write('ready\n')
