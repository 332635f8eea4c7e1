import type { JobRecord } from '../../runner/job/job-record.ts'
import { runJob } from '../../runner/job/run-job.ts'
import { isForkBuild } from '../builds/fork-policy.ts'
import type { Build, BuildJob } from '../model/build.ts'
import type { Repository } from '../model/repository.ts'
import { HostStopping, LockLost } from '../queue/abort-causes.ts'
import type { RunEnd, TakenJob } from '../queue/take-order.ts'
import { announceBytes } from './announce-bytes.ts'
import { attemptId } from './attempt-id.ts'
import { endJob } from './end-job.ts'
import { observeJob } from './observe-job.ts'
import { watchCancel } from './watch-cancel.ts'
import type { WorkerParts } from './worker-parts.ts'

type RunBuildJob = { parts: WorkerParts; job: TakenJob }

/**
 * Takes one job of the queue through its life on this host. It has its verdict afterwards and those that wait for it
 * are told; unless this host stops, which puts it back, or somebody else holds it, for then it is not ours to write.
 */
export async function runBuildJob({ parts, job: taken }: RunBuildJob): Promise<RunEnd> {
  const { store, hostName, log } = parts
  const { id, signal } = taken
  if (taken.redelivered)
    await endJob({ parts, id, failure: 'host-lost', reason: 'the host that ran it was lost' })
  const job = await store.jobs.claim(id, hostName)
  if (job === undefined) {
    log.info({ job: id }, 'not taken: it is no longer queued')
    return 'ended'
  }
  const build = await store.builds.get(job.build)
  const repository = build && (await store.repositories.get(build.repository))
  if (build === undefined || repository === undefined) {
    const reason = 'its repository is no longer registered'
    await end(parts, job, { verdict: 'errored', failure: 'config', reason, hint: undefined })
    return 'ended'
  }
  const cancel = await watchCancel({ bus: parts.bus, store, job, signal })
  try {
    const record = await run({ parts, job, build, repository, signal: cancel.signal })
    if (signal.reason instanceof LockLost) return 'ended'
    // A verdict that it came to before it was stopped is its own.
    if (record.verdict === 'cancelled' && cancel.signal.reason instanceof HostStopping)
      return await putBack(parts, job)
    await end(parts, job, record)
  } catch (error) {
    if (signal.reason instanceof LockLost) return 'ended'
    if (signal.reason instanceof HostStopping) return await putBack(parts, job)
    log.error({ job: id, err: error }, 'a job ended without a verdict')
    const reason = error instanceof Error ? error.message : String(error)
    await end(parts, job, { verdict: 'errored', failure: 'host-lost', reason, hint: undefined })
  } finally {
    cancel.end()
  }
  return 'ended'
}

type Run = { parts: WorkerParts; job: BuildJob; build: Build; repository: Repository; signal: AbortSignal }

async function run({ parts, job, build, repository, signal }: Run): Promise<JobRecord> {
  const { host, dataFolder, mirror, vault, shelf, startMachine, bus, builds, metrics } = parts
  const { trigger } = build
  const commit = { ref: trigger.ref, sha: trigger.sha }
  const secrets = isForkBuild(trigger) ? {} : await vault.resolve(build.repository, job.job.secrets)
  const source = await mirror.source(repository, commit, { bytes: host.limits.uploadBytes }, signal)
  const bytes = announceBytes({ bus, job: job.id })
  const observe = observeJob({ metrics, job })
  try {
    return await runJob({
      job: job.job,
      context: {
        jobId: attemptId(job),
        buildId: build.id,
        repo: repository.name,
        event: trigger.event,
        ...commit,
      },
      secrets,
      host,
      dataFolder,
      source,
      ensureImage: (name, watched) => shelf.ensure(name, watched),
      startMachine,
      signal,
      onEvent: (event) => {
        bytes.onEvent(event)
        observe(event)
        if (event.type === 'phase-started' && event.phase === 'boot') void builds.jobStarted(job)
      },
      onImageProgress: () => undefined,
    })
  } finally {
    bytes.end()
    await source.release()
  }
}

type Ending = Pick<JobRecord, 'verdict' | 'failure' | 'reason' | 'hint'>

/** Writes the verdict if the job is still ours, and tells those that wait for it. */
async function end({ store, builds, log }: WorkerParts, job: BuildJob, ending: Ending): Promise<void> {
  const { failure, reason, hint } = ending
  const change = {
    state: ending.verdict ?? 'errored',
    failure,
    reason,
    hint,
    ended: new Date().toISOString(),
  }
  const ended = await store.jobs.change(job.id, ['claimed', 'running'], change, job.claim)
  if (ended === undefined)
    return log.warn({ job: job.id }, 'the verdict is not ours to write: another host has the job')
  await builds.jobEnded(ended)
}

/** This host stops: the job is as if it had never been taken, and the next host begins it anew. */
async function putBack({ store, log }: WorkerParts, job: BuildJob): Promise<RunEnd> {
  const change = {
    state: 'queued' as const,
    host: undefined,
    started: undefined,
    waiting: 'its host stopped; it is next',
  }
  const back = await store.jobs.change(job.id, ['claimed', 'running'], change, job.claim)
  log.info({ job: job.id }, 'put back: this host stops')
  return back === undefined ? 'ended' : 'put-back'
}
