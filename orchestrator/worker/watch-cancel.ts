import { Cancelled } from '../../runner/job/outcome.ts'
import type { Bus } from '../bus/bus.ts'
import type { BuildJob } from '../model/build.ts'
import type { Store } from '../model/store.ts'

type Watch = {
  bus: Bus
  store: Pick<Store, 'jobs'>
  job: Pick<BuildJob, 'id'>
  signal: AbortSignal
}

type Watched = { readonly signal: AbortSignal; readonly end: () => void }

/**
 * A signal that is aborted when somebody cancels the job, wherever they did, or when `signal` is. The job is read
 * after the subscription stands, so that no word in between is lost.
 */
export async function watchCancel({ bus, store, job, signal }: Watch): Promise<Watched> {
  const controller = new AbortController()
  const end = bus.subscribe((message) => {
    if (message.type === 'cancel' && message.job === job.id) {
      controller.abort(new Cancelled(`cancelled by ${message.by}`))
    }
  })
  const by = (await store.jobs.get(job.id))?.cancelRequested
  if (by !== undefined) controller.abort(new Cancelled(`cancelled by ${by}`))
  return { signal: AbortSignal.any([signal, controller.signal]), end }
}
