import { isEnded } from '../model/build.ts'
import type { BuildParts } from './build-parts.ts'
import { cancelJob } from './cancel-job.ts'

/** Cancels all jobs of a build that have not ended; gives whether there were any, and the builds to look at again. */
export async function cancelBuild(
  parts: BuildParts,
  id: string,
  by: string,
): Promise<{ cancelled: boolean; moved: string[] }> {
  const moved: string[] = []
  let cancelled = false
  // Twice, as another process may have begun a new attempt of a job that the first look saw ended.
  for (let look = 0; look < 2; look += 1) {
    const jobs = await parts.store.jobs.ofBuild(id)
    const open = jobs.filter(
      ({ state, cancelRequested }) => !isEnded(state) && (look === 0 || !cancelRequested),
    )
    // Those that wait first: the end of one that runs would otherwise set them going.
    for (const job of open.sort((a, b) => Number(isWithHost(a.state)) - Number(isWithHost(b.state)))) {
      const done = await cancelJob(parts, job.id, by)
      cancelled ||= done.cancelled
      moved.push(...done.moved)
    }
  }
  return { cancelled, moved }
}

function isWithHost(state: string): boolean {
  return state === 'claimed' || state === 'running'
}
