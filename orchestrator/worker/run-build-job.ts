import type { LeftJob } from '../adoption/take-up-left.ts'
import { aboutJob } from '../logs/about-job.ts'
import { LockLost } from '../queue/abort-causes.ts'
import type { RunEnd, TakenJob } from '../queue/take-order.ts'
import { claimJob, claimName } from './claim-job.ts'
import { endJob } from './end-job.ts'
import type { Held, Persist } from './held-job.ts'
import { keepTrying } from './keep-trying.ts'
import { liveJob } from './live-job.ts'
import type { WorkerParts } from './worker-parts.ts'

type RunBuildJob = {
  parts: WorkerParts
  job: TakenJob
  /** The claims that this process works on; for all its runs the same. */
  claims?: Set<string>
  /** Ids of its jobs whose machines outlive it by now; the same. */
  outliving?: Set<string>
}

/**
 * Takes one job of the queue through its life on this host. It has its verdict afterwards and those that wait for it
 * are told; unless this host stops, which puts it back, or somebody else holds it, for then it is not ours to write.
 */
export async function runBuildJob({
  parts,
  job: taken,
  claims = new Set(),
  outliving = new Set(),
}: RunBuildJob): Promise<RunEnd> {
  const { id, signal } = taken
  if (taken.redelivered) await endLost(parts, id)
  const taking = { ...parts, log: aboutJob(parts.log, { id }) }
  const job = await persistFor(taking, signal)('claiming a job', () => claimJob({ parts, id, claims }))
  if (job === 'held') return 'held'
  if (job === undefined) {
    taking.log.info('not taken: it is no longer queued')
    return 'ended'
  }
  try {
    return await liveJob(heldBy({ parts, job, outliving }, signal), signal)
  } finally {
    claims.delete(claimName(job))
  }
}

/** With its claim, so that a host which was only slow and goes on, or one that took it up, keeps it. */
async function endLost(parts: WorkerParts, id: string): Promise<void> {
  const job = await parts.store.jobs.get(id)
  if (job === undefined || (job.state !== 'claimed' && job.state !== 'running')) return
  const reason = 'the host that ran it was lost'
  await endJob({ parts, id, failure: 'host-lost', reason, claim: job.claim })
}

type RunLeftJob = {
  parts: WorkerParts
  left: LeftJob
  signal: AbortSignal
  claims: Set<string>
  outliving: Set<string>
}

/** The same for a job whose process is gone and that is this one's now; where it is put back, it is not in line. */
export async function runLeftJob({ parts, left, signal, claims, outliving }: RunLeftJob): Promise<RunEnd> {
  const { job } = left
  claims.add(claimName(job))
  try {
    return await liveJob(heldBy({ parts, job, outliving, left }, signal), signal)
  } finally {
    claims.delete(claimName(job))
    await left.giveUp()
  }
}

/** Whatever is said from now on says of which job. */
function heldBy({ parts, ...held }: Omit<Held, 'persist'>, signal: AbortSignal): Held {
  const own = { ...parts, log: aboutJob(parts.log, held.job) }
  return { ...held, parts: own, persist: persistFor(own, signal) }
}

function persistFor({ log, patience }: WorkerParts, signal: AbortSignal): Persist {
  const isOver = () => signal.reason instanceof LockLost
  return (what, work) => keepTrying({ what, work, isOver, log, mostMs: patience })
}
