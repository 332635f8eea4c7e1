import { cpus, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { withPool } from '../../runner/pool/with-pool.ts'
import { endLostJobs } from '../hosts/end-lost-jobs.ts'
import { type Hosts, heartbeatMs } from '../hosts/hosts.ts'
import type { Resources } from '../queue/capacity.ts'
import { takeJobs } from '../queue/take-jobs.ts'
import type { JobTaker, TakeOrder } from '../queue/take-order.ts'
import { isHeld } from './claim-job.ts'
import { endJob } from './end-job.ts'
import { createHostPool } from './host-pool.ts'
import { runBuildJob } from './run-build-job.ts'
import type { WorkerParts } from './worker-parts.ts'

type JobHost = {
  parts: WorkerParts
  hosts: Hosts
  connection: Redis
  prefix: string
  /** What this host gives to machines. @defaultValue hostCapacity() */
  capacity?: Resources
  timing?: TakeOrder['timing']
}

/** Kept for the host itself: its system, this process, Redis. */
const reservedMemory = 1.5 * 2 ** 30

/** What QEMU takes beside the memory of its guest; each machine has at least one of the cpus. */
const besideGuest = 256 * 2 ** 20

/** What this host gives to machines. A host of one processor still runs jobs that ask for two: they share. */
export function hostCapacity(): Resources {
  const count = Math.max(2, cpus().length)
  return { cpus: count, memory: Math.max(2 ** 29, totalmem() - reservedMemory - count * besideGuest) }
}

/** Takes jobs off the line and runs them here, announcing this host and ending what lost hosts left. */
export function startJobHost(options: JobHost): { stop(bound: { graceMs: number }): Promise<void> } {
  const { parts, hosts, connection, prefix, capacity = hostCapacity() } = options
  const { store, hostName, log } = parts
  let tellAnnounced: () => void = () => undefined
  const announced = new Promise<void>((resolve) => {
    tellAnnounced = resolve
  })
  let tellChanged: () => void = () => undefined
  const claims = new Set<string>()
  // Machines that wait do not count as taken: a job that finds no room beside them gets theirs.
  const pool = createHostPool({ parts, capacity, spare: () => taker.free() })
  const pooled = { ...parts, startMachine: withPool(parts.startMachine, pool) }
  const taker: JobTaker = takeJobs({
    connection,
    prefix,
    capacity,
    log,
    ...(options.timing === undefined ? {} : { timing: options.timing }),
    onChange: () => {
      tellChanged()
      pool.look()
    },
    needs: async (id) => (await store.jobs.get(id))?.resources,
    run: async (job) => {
      // A host that the others have not heard of has no jobs: they would take this one for lost.
      await announced
      return await runBuildJob({ parts: pooled, job, claims })
    },
    isHeld: (id) => isHeld({ parts, id }),
    onHeld: async (id) => {
      const job = await store.jobs.get(id)
      if (job !== undefined) await parts.builds.lineUpHeld(job.repository)
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
  pool.look()
  const ending = new AbortController()
  const changes = createChanges()
  tellChanged = changes.tell
  const { signal } = ending
  const beat = heartbeat({ parts, hosts, capacity, taker, changes, onAnnounced: tellAnnounced, signal })
  return {
    stop: async (bound) => {
      await Promise.all([taker.stop(bound), pool.drain()])
      ending.abort()
      changes.tell()
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
  changes: Changes
  onAnnounced: () => void
  signal: AbortSignal
}

async function heartbeat(options: Heartbeat): Promise<void> {
  const { parts, hosts, capacity, taker, changes, onAnnounced, signal } = options
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
    await changes.within(heartbeatMs)
  }
}

type Changes = { tell(): void; within(ms: number): Promise<void> }

/** Lets the others hear of what is taken here when that changes, and not only with the next heartbeat. */
function createChanges(): Changes {
  let next = new AbortController()
  return {
    tell: () => next.abort(),
    within: async (ms) => {
      await sleep(ms, undefined, { signal: next.signal }).catch(() => undefined)
      next = new AbortController()
    },
  }
}
