import type { BuildJob } from '../model/build.ts'
import type { KeptResult } from './kept-results.ts'
import type { WorkerParts } from './worker-parts.ts'

type Tell = {
  readonly parts: Pick<WorkerParts, 'results' | 'log'>
  readonly job: Pick<BuildJob, 'id' | 'attempt' | 'claim'>
  readonly ending: KeptResult['ending']
  /** Gives the job as written; undefined where it is not ours any more. */
  readonly write: () => Promise<BuildJob | undefined>
}

/**
 * Writes a verdict that is on this host's disk before, so that it is lost neither with Redis nor with this process.
 * `kept` where Redis was away for too long: then it is written later, by whoever runs on this host.
 */
export async function tellVerdict({
  parts,
  job,
  ending,
  write,
}: Tell): Promise<BuildJob | 'kept' | undefined> {
  const { results, log } = parts
  const { id, attempt, claim } = job
  const result: KeptResult = { job: id, attempt, claim, ending }
  let isKept = false
  try {
    await results?.keep(result)
    isKept = results !== undefined
  } catch (error) {
    log.warn({ err: error }, 'a verdict could not be kept on this host')
  }
  try {
    const ended = await write()
    await results?.forget(result)
    return ended
  } catch (error) {
    if (!isKept) throw error
    log.error({ state: ending.state, err: error }, 'a verdict is kept on this host until Redis is back')
    return 'kept'
  }
}
