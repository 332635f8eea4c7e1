import { readlink, realpath } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { InfraError } from '../../config/errors.ts'
import { isAlive } from '../../images/process-identity.ts'
import { pingRedis } from './ping-redis.ts'
import { readRedisRecord } from './redis-record.ts'

/** milliseconds until TERM turns to KILL, and until KILL is given up */
const patience = 5000

type Orphan = { record: string; folder: string; socket: string }

/**
 * Ends the server that a killed supervisor left: two on the same append-only file would ruin it, and Redis itself
 * does not look. To be called by the holder of the lock.
 *
 * @throws {InfraError} when somebody still answers there
 */
export async function endOrphan({ record, folder, socket }: Orphan): Promise<void> {
  const noted = await readRedisRecord(record)
  // A data folder that is another one's copy brought along the record of a server that is not its own.
  const left = noted !== undefined && (await worksIn(noted.pid, folder)) ? noted : undefined
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

/** Whether that is where a process was started; a folder that was moved is still the same. */
async function worksIn(pid: number, folder: string): Promise<boolean> {
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(folder))
  } catch {
    return false
  }
}

async function until(met: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + patience
  while (performance.now() < end) {
    if (await met()) return true
    await sleep(20)
  }
  return false
}
