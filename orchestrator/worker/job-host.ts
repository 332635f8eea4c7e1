import { cpus, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { endLostJobs } from '../hosts/end-lost-jobs.ts'
import { type Hosts, heartbeatMs } from '../hosts/hosts.ts'
import type { Resources } from '../queue/capacity.ts'
import { takeJobs } from '../queue/take-jobs.ts'
import type { JobTaker } from '../queue/take-order.ts'
import { endJob } from './end-job.ts'
import { runBuildJob } from './run-build-job.ts'
import type { WorkerParts } from './worker-parts.ts'

type JobHost = { parts: WorkerParts; hosts: Hosts; connection: Redis; prefix: string }

/** Kept for the host itself: its system, this process, Redis. */
const reservedMemory = 1.5 * 2 ** 30

/** What this host gives to machines. A host of one processor still runs jobs that ask for two: they share. */
export function hostCapacity(): Resources {
  return { cpus: Math.max(2, cpus().length), memory: Math.max(2 ** 29, totalmem() - reservedMemory) }
}

/** Takes jobs off the line and runs them here, announcing this host and ending what lost hosts left. */
export function startJobHost({ parts, hosts, connection, prefix }: JobHost): {
  stop(bound: { graceMs: number }): Promise<void>
} {
  const { store, hostName, log } = parts
  const capacity = hostCapacity()
  let tellAnnounced: () => void = () => undefined
  const announced = new Promise<void>((resolve) => {
    tellAnnounced = resolve
  })
  const taker = takeJobs({
    connection,
    prefix,
    capacity,
    log,
    needs: async (id) => (await store.jobs.get(id))?.resources,
    run: async (job) => {
      // A host that the others have not heard of has no jobs: they would take this one for lost.
      await announced
      return await runBuildJob({ parts, job })
    },
    onPoison: async (id, reason) => {
      await endJob({ parts, id, failure: 'host-lost', reason })
    },
    onMisfit: async (id, reason) => {
      const alive = (await hosts.list()).filter(({ stale, name }) => !stale && name !== hostName)
      const need = (await store.jobs.get(id))?.resources
      const fitsElsewhere = alive.some(
        ({ cpus, memory }) => need && need.cpus <= cpus.total && need.memory <= memory.total,
      )
      if (fitsElsewhere) return 'put-back'
      await endJob({ parts, id, failure: 'config', reason: `no host can ever run it: ${reason}` })
      return 'ended'
    },
    onWaiting: async (id, waiting) => {
      await store.jobs.change(id, ['queued'], { waiting })
    },
  })
  const ending = new AbortController()
  const beat = heartbeat({ parts, hosts, capacity, taker, onAnnounced: tellAnnounced, signal: ending.signal })
  return {
    stop: async (bound) => {
      await taker.stop(bound)
      ending.abort()
      await beat
      await hosts.leave(hostName)
    },
  }
}

type Heartbeat = {
  parts: WorkerParts
  hosts: Hosts
  capacity: Resources
  taker: JobTaker
  onAnnounced: () => void
  signal: AbortSignal
}

async function heartbeat({ parts, hosts, capacity, taker, onAnnounced, signal }: Heartbeat): Promise<void> {
  const { store, builds, hostName, log } = parts
  while (!signal.aborted) {
    try {
      const free = taker.free()
      await hosts.announce({
        name: hostName,
        cpus: { total: capacity.cpus, taken: capacity.cpus - free.cpus },
        memory: { total: capacity.memory, taken: capacity.memory - free.memory },
        running: taker.running(),
      })
      onAnnounced()
      await endLostJobs({ store, hosts, builds, now: () => new Date(), log })
    } catch (error) {
      log.warn({ err: error }, 'this host could not announce itself')
    }
    await sleep(heartbeatMs, undefined, { signal }).catch(() => undefined)
  }
}
