import { setTimeout as sleep } from 'node:timers/promises'
import { InfraError } from '../../config/errors.ts'
import { isAlive } from '../../images/process-identity.ts'
import { pingRedis } from './ping-redis.ts'
import { readRedisRecord } from './redis-record.ts'

/** milliseconds until TERM turns to KILL, and until KILL is given up */
const patience = 5000

/**
 * Ends the server that a killed supervisor left: two on the same append-only file would ruin it, and Redis itself
 * does not look. To be called by the holder of the lock.
 *
 * @throws {InfraError} when somebody still answers there
 */
export async function endOrphan({ record, socket }: { record: string; socket: string }): Promise<void> {
  const left = await readRedisRecord(record)
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (left === undefined || !isAlive(left)) break
    process.kill(left.pid, signal)
    await until(async () => !isAlive(left))
  }
  if (await until(async () => (await pingRedis(socket)) === 'silent')) return
  throw new InfraError('host-lost', `expected nobody to listen on ${socket}, got an answer`, {
    hint: 'Another Redis uses this data folder: end it, or choose another folder with --data.',
  })
}

async function until(met: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + patience
  while (performance.now() < end) {
    if (await met()) return true
    await sleep(20)
  }
  return false
}
