import { cpus, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { withPool } from '../../runner/pool/with-pool.ts'
import type { LeftJob } from '../adoption/take-up-left.ts'
import { betterHost } from '../hosts/better-host.ts'
import { endLostJobs } from '../hosts/end-lost-jobs.ts'
import { type Hosts, heartbeatMs } from '../hosts/hosts.ts'
import { createLostHosts } from '../hosts/lost-hosts.ts'
import { createWarmHosts } from '../hosts/warm-hosts.ts'
import { aboutJob } from '../logs/about-job.ts'
import { isEnded } from '../model/build.ts'
import type { Resources } from '../queue/capacity.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import { takeJobs } from '../queue/take-jobs.ts'
import type { JobTaker, TakeOrder } from '../queue/take-order.ts'
import { createSoleTask, type SoleTask } from '../redis/sole-task.ts'
import { claimName, isHeld } from './claim-job.ts'
import { deliverResults } from './deliver-results.ts'
import { endJob } from './end-job.ts'
import { createHostPool } from './host-pool.ts'
import { leaveToOthers } from './leave-to-others.ts'
import { createPutBackRuns } from './put-back-runs.ts'
import { runBuildJob, runLeftJob } from './run-build-job.ts'
import { runsElsewhere } from './runs-elsewhere.ts'
import { type OwnCordon, watchCordon } from './watch-cordon.ts'
import type { WorkerParts } from './worker-parts.ts'

type JobHost = {
  parts: WorkerParts
  hosts: Hosts
  queue: JobQueue
  connection: Redis
  prefix: string
  /** What this host gives to machines. @defaultValue hostCapacity() */
  capacity?: Resources
  timing?: TakeOrder['timing']
  /** ms between two words of this host to the others. @defaultValue heartbeatMs */
  heartbeat?: number
  /** Jobs of killed processes that this one goes on with. @defaultValue none */
  left?: readonly LeftJob[]
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

export type StopBound = {
  /** Milliseconds that jobs have to end; then they are put back. */
  readonly graceMs: number
  /**
   * Whether machines that outlive this process go on with their jobs, which are neither waited for nor put back.
   * @defaultValue no
   */
  readonly leave?: boolean | undefined
}

/** Gives the ids of the jobs that it left to the next process. */
type Stop = (bound: StopBound) => Promise<readonly string[]>

/** Takes jobs off the line and runs them here, announcing this host and ending what lost hosts left. */
export function startJobHost(options: JobHost): { stop: Stop } {
  const { parts, hosts, queue, connection, prefix, capacity = hostCapacity() } = options
  const { store, hostName, log } = parts
  let tellAnnounced: () => void = () => undefined
  const announced = new Promise<void>((resolve) => {
    tellAnnounced = resolve
  })
  let tellChanged: () => void = () => undefined
  const claims = new Set<string>()
  const outliving = new Set<string>()
  const computer = parts.self?.facts().computer
  const warmHosts = createWarmHosts({ redis: connection, prefix })
  const noteWarm = async (id: string) => {
    const job = await store.jobs.get(id)
    if (job?.host === hostName && (job.state === 'passed' || job.state === 'failed'))
      await warmHosts.ran(job, computer ?? hostName)
  }
  const runs = createPutBackRuns()
  const cordon = watchCordon({
    ...{ cordons: parts.cordons, hosts },
    self: { name: hostName, computer },
    onDue: () => runs.putBack('this host is drained'),
  })
  const pool = createHostPool({
    ...{ parts, capacity },
    // Machines that wait do not count as taken: a job that finds no room beside them gets theirs.
    spare: () => taker.free(),
    isOpen: () => cordon.why() === undefined,
  })
  const pooled = { ...parts, startMachine: withPool(parts.startMachine, pool) }
  const taker: JobTaker = takeJobs({
    ...{ connection, prefix, queue, hostName, capacity, log },
    labels: () => parts.self?.labels() ?? [],
    ...(options.timing === undefined ? {} : { timing: options.timing }),
    onChange: () => {
      tellChanged()
      parts.self?.touch()
      pool.look()
    },
    needs: async (id) => (await store.jobs.get(id))?.resources,
    begun: (options.left ?? []).map((left) => ({
      id: left.job.id,
      need: left.job.resources,
      run: async (signal) => {
        await announced
        const own = runs.begin(signal)
        await runLeftJob({ parts, left, signal: own.signal, claims, outliving })
          .catch((err: unknown) =>
            aboutJob(log, left.job).error({ err }, 'a job that was taken up could not be ended'),
          )
          .finally(own.end)
      },
    })),
    run: async (job) => {
      // A host that the others have not heard of has no jobs: they would take this one for lost.
      await announced
      // The word may have come while this host waited for a job.
      await cordon.look().catch(() => undefined)
      if (cordon.why() !== undefined) return 'put-back'
      if (job.redelivered && (await runsElsewhere({ store, hosts }, job.id))) return 'ended'
      const own = runs.begin(job.signal)
      const running = runBuildJob({
        ...{ parts: pooled, job: { ...job, signal: own.signal }, claims, outliving },
      })
      const end = await running.finally(own.end)
      await noteWarm(job.id)
      return end
    },
    betterHost: async (id) => {
      const job = await store.jobs.get(id)
      return job && (await betterHost({ hosts, warmHosts, computer: computer ?? hostName }, job))
    },
    untilClear: async (signal) => {
      do {
        await cordon.untilClear(signal)
        await parts.pressure?.untilClear(signal)
      } while (!signal.aborted && cordon.why() !== undefined)
    },
    isOurs: async (id) => {
      const job = await store.jobs.get(id)
      return job !== undefined && claims.has(claimName(job)) && !isEnded(job.state)
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
      const job = await store.jobs.get(id)
      const left = job && (await leaveToOthers({ hosts, hostName }, job))
      if (left !== undefined) return left
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
  parts.pressure?.onChange(changes.tell)
  const unsubscribe = parts.bus.subscribe((message) => {
    if (message.type === 'host' && message.id === computer) changes.tell()
  })
  const { signal } = ending
  const everyMs = options.heartbeat ?? heartbeatMs
  const lostHosts = createLostHosts({ grace: 2 * everyMs })
  const now = () => new Date()
  const lost = createSoleTask({
    ...{ redis: connection, key: `${prefix}:hosts-watch`, holder: hostName, everyMs },
    work: () => endLostJobs({ store, hosts, builds: parts.builds, now, log, lostHosts }),
  })
  const beat = heartbeat({
    parts,
    hosts,
    capacity,
    taker,
    claims,
    cordon,
    changes,
    onAnnounced: tellAnnounced,
    ...{ signal, lost, everyMs },
  })
  return {
    stop: async ({ graceMs, leave = false }) => {
      const staysBehind = leave ? (id: string) => outliving.has(id) : undefined
      await Promise.all([taker.stop({ graceMs, staysBehind }), pool.drain()])
      ending.abort()
      unsubscribe()
      changes.tell()
      await beat
      await lost.close()
      const left = taker.running().filter((id) => outliving.has(id))
      if (left.length === 0) await hosts.leave(hostName)
      else await hosts.goAway(hostName, { running: left, ms: parts.host.stop.orphaned })
      return left
    },
  }
}

type Heartbeat = {
  parts: WorkerParts
  hosts: Hosts
  capacity: Resources
  taker: JobTaker
  /** The claims that this process works on. */
  claims: ReadonlySet<string>
  cordon: Pick<OwnCordon, 'look'>
  changes: Changes
  onAnnounced: () => void
  signal: AbortSignal
  /** Ends the jobs of lost hosts: for all hosts to read all jobs whenever one of theirs begins or ends is too much. */
  lost: SoleTask
  everyMs: number
}

async function heartbeat(options: Heartbeat): Promise<void> {
  const { parts, hosts, capacity, taker, claims, cordon, changes, onAnnounced, signal, lost, everyMs } =
    options
  const { store, builds, results, hostName, log } = parts
  while (!signal.aborted) {
    try {
      const free = taker.free()
      await hosts.announce({
        ...parts.self?.facts(),
        name: hostName,
        cpus: { total: capacity.cpus, taken: capacity.cpus - free.cpus },
        memory: { total: capacity.memory, taken: capacity.memory - free.memory },
        running: taker.running(),
        pressure: parts.pressure?.why(),
      })
      onAnnounced()
      await cordon.look()
      // Before anybody's jobs are ended: verdicts that came to be are not lost with whoever had them.
      if (results !== undefined) await deliverKept({ results, store, builds, claims, log })
      await lost.run()
    } catch (error) {
      log.warn({ err: error }, 'this host could not announce itself')
    }
    await changes.within(everyMs)
  }
}

/** What is not delivered now is with the next heartbeat. */
async function deliverKept(delivery: Parameters<typeof deliverResults>[0]): Promise<void> {
  await deliverResults(delivery).catch((error: unknown) =>
    delivery.log.warn({ err: error }, 'verdicts that are kept on this host are told later'),
  )
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
