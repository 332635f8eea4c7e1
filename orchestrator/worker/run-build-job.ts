import type { JobRecord } from '../../runner/job/job-record.ts'
import { Cancelled } from '../../runner/job/outcome.ts'
import { runJob } from '../../runner/job/run-job.ts'
import type { Machine } from '../../runner/machine/machine.ts'
import { isForkBuild } from '../builds/fork-policy.ts'
import { prepareHold, type TakenHold } from '../holds/prepare-hold.ts'
import { prepareVisit } from '../holds/prepare-visit.ts'
import type { Build, BuildJob } from '../model/build.ts'
import type { Repository } from '../model/repository.ts'
import { HostStopping, LockLost } from '../queue/abort-causes.ts'
import type { RunEnd, TakenJob } from '../queue/take-order.ts'
import { announceBytes } from './announce-bytes.ts'
import { attemptId } from './attempt-id.ts'
import { claimJob, claimName } from './claim-job.ts'
import { endJob } from './end-job.ts'
import { keepTrying } from './keep-trying.ts'
import { observeJob } from './observe-job.ts'
import { type Watched, watchCancel } from './watch-cancel.ts'
import type { WorkerParts } from './worker-parts.ts'

type RunBuildJob = {
  parts: WorkerParts
  job: TakenJob
  /** The claims that this process works on; for all its runs the same. */
  claims?: Set<string>
}

/**
 * Takes one job of the queue through its life on this host. It has its verdict afterwards and those that wait for it
 * are told; unless this host stops, which puts it back, or somebody else holds it, for then it is not ours to write.
 */
export async function runBuildJob({ parts, job: taken, claims = new Set() }: RunBuildJob): Promise<RunEnd> {
  const { log } = parts
  const { id, signal } = taken
  if (taken.redelivered)
    await endJob({ parts, id, failure: 'host-lost', reason: 'the host that ran it was lost' })
  const isOver = () => signal.reason instanceof LockLost
  const persist: Persist = (what, work) => keepTrying({ what, work, isOver, log })
  const job = await persist('claiming a job', () => claimJob({ parts, id, claims }))
  if (job === 'held') return 'held'
  if (job === undefined) {
    log.info({ job: id }, 'not taken: it is no longer queued')
    return 'ended'
  }
  try {
    return await live({ parts, job, persist }, signal)
  } finally {
    claims.delete(claimName(job))
  }
}

async function live({ parts, job, persist }: Held, signal: AbortSignal): Promise<RunEnd> {
  const { store, log } = parts
  const { id } = job
  const build = await persist('reading a build', () => store.builds.get(job.build))
  const repository =
    build && (await persist('reading a repository', () => store.repositories.get(build.repository)))
  if (build === undefined || repository === undefined) {
    const reason = 'its repository is no longer registered'
    await end({ parts, job, persist }, { verdict: 'errored', failure: 'config', reason, hint: undefined })
    return 'ended'
  }
  const cancel = await watchCancel({ bus: parts.bus, store, job, signal, log })
  let hold: TakenHold | undefined
  try {
    const ran = await run({ parts, job, persist, build, repository, cancel })
    const { record } = ran
    hold = ran.hold
    if (signal.reason instanceof LockLost) return 'ended'
    // A verdict that it came to before it was stopped is its own.
    if (record.verdict === 'cancelled' && cancel.signal.reason instanceof HostStopping)
      return await putBack({ parts, job, persist })
    if (await end({ parts, job, persist }, record)) {
      void hold?.begin()
      hold = undefined
    }
  } catch (error) {
    if (signal.reason instanceof LockLost) return 'ended'
    if (signal.reason instanceof HostStopping) return await putBack({ parts, job, persist })
    // While its files were fetched, which is before its life in a machine begins.
    if (cancel.signal.reason instanceof Cancelled) {
      const reason = cancel.signal.reason.message
      await end(
        { parts, job, persist },
        { verdict: 'cancelled', failure: undefined, reason, hint: undefined },
      )
      return 'ended'
    }
    log.error({ job: id, err: error }, 'a job ended without a verdict')
    const reason = error instanceof Error ? error.message : String(error)
    await end({ parts, job, persist }, { verdict: 'errored', failure: 'host-lost', reason, hint: undefined })
  } finally {
    cancel.end()
    await hold?.giveUp()
  }
  return 'ended'
}

/** Does what this job needs of Redis, however long it is away; see `keepTrying`. */
type Persist = <T>(what: string, work: () => Promise<T>) => Promise<T>
type Held = { parts: WorkerParts; job: BuildJob; persist: Persist }
type Ran = { record: JobRecord; hold: TakenHold | undefined }
type Run = Held & { build: Build; repository: Repository; cancel: Watched }

async function run({ parts, job, persist, build, repository, cancel }: Run): Promise<Ran> {
  const { signal } = cancel
  const { host, archiveFolder, mirror, vault, shelf, startMachine, bus, builds, metrics } = parts
  const { trigger } = build
  const commit = { ref: trigger.ref, sha: trigger.sha }
  const secrets = isForkBuild(trigger)
    ? {}
    : await persist('reading secrets', () => vault.resolve(build.repository, job.job.secrets))
  const source = await mirror.source(repository, commit, { bytes: host.limits.uploadBytes }, signal)
  const bytes = announceBytes({ bus, job: job.id })
  const observe = observeJob({ metrics, job })
  const hold = await persist('reading who may debug', () =>
    prepareHold({ debug: parts.debug, store: parts.store, build, job, secrets, log: parts.log }),
  )
  let kept: Machine | undefined
  const { debug, store, log } = parts
  const admit = await persist('reading who may come in', () =>
    prepareVisit({ debug, store, build, job, log }),
  )
  try {
    const record = await runJob({
      // As it was planned, which is what this host gave room to, whatever its image says by now.
      job: { ...job.job, resources: job.resources },
      context: {
        jobId: attemptId(job),
        buildId: build.id,
        repo: repository.name,
        event: trigger.event,
        ...commit,
      },
      secrets,
      host,
      dataFolder: archiveFolder,
      source,
      ensureImage: (name, watched) => shelf.ensure(name, watched),
      startMachine: async (order) => cancel.hold(await startMachine(order)),
      setupAccess: {
        scope: `repository ${build.repository}`,
        readsAll: false,
        mayKeep: !isForkBuild(trigger),
      },
      signal,
      onEvent: (event) => {
        bytes.onEvent(event)
        observe(event)
        if (event.type === 'phase-started' && event.phase === 'boot') void builds.jobStarted(job)
      },
      onImageProgress: () => undefined,
      keepMachine: (ended, machine) => {
        const isTaken = hold.take(ended, machine)
        if (isTaken) kept = machine
        return isTaken
      },
      admit,
    })
    return { record, hold: hold.taken() }
  } catch (error) {
    // What is kept of it could not be written after its machine was taken over.
    await hold.taken()?.giveUp()
    throw error
  } finally {
    // Its console goes on, and so do those who follow it.
    if (kept === undefined) bytes.end()
    else void kept.ended.then(bytes.end)
    await source.release()
  }
}

type Ending = Pick<JobRecord, 'verdict' | 'failure' | 'reason' | 'hint'>

/** Writes the verdict if the job is still ours, and tells those that wait for it. Whether it was ours. */
async function end(held: Held, ending: Ending): Promise<boolean> {
  const { parts, job, persist } = held
  const { failure, reason, hint } = ending
  const state = ending.verdict ?? 'errored'
  const ended = await write(held, { state, failure, reason, hint, ended: new Date().toISOString() })
  if (ended === undefined) {
    parts.log.warn({ job: job.id }, 'the verdict is not ours to write: another host has the job')
    return false
  }
  await persist('telling a verdict', () => parts.builds.jobEnded(ended))
  return true
}

/** This host stops: the job is as if it had never been taken, and the next host begins it anew. */
async function putBack(held: Held): Promise<RunEnd> {
  const waiting = 'its host stopped; it is next'
  const back = await write(held, {
    state: 'queued',
    host: undefined,
    started: undefined,
    visit: undefined,
    waiting,
  })
  held.parts.log.info({ job: held.job.id }, 'put back: this host stops')
  return back === undefined ? 'ended' : 'put-back'
}

/** The job as written; undefined where it is not ours any more. */
async function write(
  { parts, job, persist }: Held,
  change: Partial<BuildJob>,
): Promise<BuildJob | undefined> {
  const { jobs } = parts.store
  return await persist('writing where a job stands', async () => {
    const changed = await jobs.change(job.id, ['claimed', 'running'], change, job.claim)
    if (changed !== undefined) return changed
    // A try whose answer was lost wrote it all the same.
    const now = await jobs.get(job.id)
    const isWritten = now?.claim === job.claim && now.state === change.state && now.ended === change.ended
    return isWritten ? now : undefined
  })
}
