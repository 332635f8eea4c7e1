import { Cancelled } from '../../runner/job/outcome.ts'
import type { Bus } from '../bus/bus.ts'
import type { BuildJob } from '../model/build.ts'

type Watch = { bus: Bus; job: BuildJob; signal: AbortSignal }

/** A signal that is aborted when somebody cancels the job, wherever they did, or when `signal` is. */
export function watchCancel({ bus, job, signal }: Watch): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController()
  if (job.cancelRequested !== undefined)
    controller.abort(new Cancelled(`cancelled by ${job.cancelRequested}`))
  const end = bus.subscribe((message) => {
    if (message.type === 'cancel' && message.job === job.id) {
      controller.abort(new Cancelled(`cancelled by ${message.by}`))
    }
  })
  return { signal: AbortSignal.any([signal, controller.signal]), end }
}
