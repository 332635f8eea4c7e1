import type { Build, BuildJob } from '../model/build.ts'
import type { BuildParts } from './build-parts.ts'
import { enterGroup } from './enter-group.ts'
import { leaveGroup } from './leave-group.ts'

/** Puts a job that is ready in line, once its concurrency group is its own. Gives the builds to look at next. */
export async function queueJob(parts: BuildParts, build: Build, job: BuildJob): Promise<string[]> {
  const { entered, waiting, moved } = await enterGroup(parts, job)
  if (!entered) {
    await tellWaiting(parts, job, waiting)
    return [...moved]
  }
  const change = { state: 'queued', queued: parts.now().toISOString(), waiting: undefined } as const
  const queued = await parts.store.jobs.change(job.id, ['blocked'], change, job.claim)
  if (queued === undefined) return [build.id, ...moved, ...(await leaveIfEnded(parts, job))]
  await parts.queue.add(queued)
  // The forge was told `pending` when the job was made, and in line is no other thing to it.
  await parts.bus.publish({ type: 'job', id: job.id, build: job.build })
  return [build.id, ...moved]
}

async function tellWaiting(parts: BuildParts, job: BuildJob, waiting: string | undefined): Promise<void> {
  if (waiting === undefined || waiting === job.waiting) return
  const changed = await parts.store.jobs.change(job.id, ['blocked'], { waiting })
  if (changed !== undefined) await parts.bus.publish({ type: 'job', id: job.id, build: job.build })
}

// Cancelled while it took the group: nobody else would give it back.
async function leaveIfEnded(parts: BuildParts, { id }: BuildJob): Promise<string[]> {
  const job = await parts.store.jobs.get(id)
  return job === undefined ? [] : await leaveGroup(parts, job)
}
