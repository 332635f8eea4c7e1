import { hostname } from 'node:os'
import { Scope } from '../../runner/scope.ts'
import { startRetention } from '../archive/start-retention.ts'
import { endOverdue } from '../builds/end-overdue.ts'
import { createWaitTimes } from '../builds/wait-times.ts'
import { startTending } from '../queue/start-tending.ts'
import { createSoleTask } from '../redis/sole-task.ts'
import type { StopBound } from '../worker/job-host.ts'
import { openCore } from './open-core.ts'
import { openJobs } from './open-jobs.ts'
import { openMetrics } from './open-metrics.ts'
import { openWeb } from './open-web.ts'
import { prefix } from './prefix.ts'
import type { ServeOrder } from './serve-order.ts'

export type Server = {
  /** Where it listens, as people reach it; undefined for a worker alone. */
  readonly url: string | undefined
  /**
   * Takes nothing new, gives running jobs their time to end, puts the others back or leaves them to the next server, and
   * ends. Gives the ids of those that it left: they go on in this process as well as it can, which is to exit now.
   */
  stop(bound: StopBound): Promise<readonly string[]>
}

const recoverMs = 30_000

/** The orchestrator: what answers HTTP, what runs jobs, or both, on one Redis. */
export async function serve(order: ServeOrder): Promise<Server> {
  const scope = new Scope()
  try {
    return await start(order, scope)
  } catch (error) {
    await scope.close()
    throw error
  }
}

async function start(order: ServeOrder, scope: Scope): Promise<Server> {
  const core = await openCore(order, scope)
  const { role, redis, store, archive, index, queue, buildParts, builds, retell, metrics, host, now, log } =
    core
  const url = role === 'worker' ? undefined : await openWeb(core, scope)

  if (role === 'worker' && host.metricsListen !== undefined)
    await openMetrics(core, host.metricsListen, scope)

  await builds.recover()
  if (index.isNew) await retell()
  const waitTimes = createWaitTimes({ now })
  // It reads all that waits, which hundreds of hosts need not do each.
  const recovery = createSoleTask({
    ...{ redis, key: `${prefix}:recovery`, holder: `${hostname()}-${process.pid}`, everyMs: recoverMs },
    work: async () => {
      await builds.recover()
      await endOverdue(buildParts, waitTimes)
    },
  })
  const recovering = setInterval(
    () => void recovery.run().catch((err: unknown) => log.warn({ err }, 'recovery failed')),
    recoverMs,
  )
  await scope.defer('recovery', async () => {
    clearInterval(recovering)
    await recovery.close()
  })
  const tending = startTending({ redis, prefix, queue, log })
  await scope.defer('tending of the line', () => tending.close())

  const { retention } = host
  const sweeping = startRetention({ redis, prefix, store, archive, retention, metrics, now, log })
  await scope.defer('retention', () => sweeping.close())

  const stopJobs = role === 'web' ? undefined : await openJobs(core, order, scope)
  return {
    url,
    stop: async (bound) => {
      const leftBehind = (await stopJobs?.(bound)) ?? []
      for (const { what, error } of await scope.close())
        log.warn({ err: error, what }, 'could not be closed in order')
      return leftBehind
    },
  }
}
