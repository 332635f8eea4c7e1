import type { Logger } from 'pino'
import { Cancelled } from '../../runner/job/outcome.ts'
import type { Machine } from '../../runner/machine/machine.ts'
import type { Bus } from '../bus/bus.ts'
import type { BuildJob } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { Killed } from '../queue/abort-causes.ts'

type Watch = {
  bus: Bus
  store: Pick<Store, 'jobs'>
  job: Pick<BuildJob, 'id' | 'claim'>
  signal: AbortSignal
  log: Logger
  /** Between two looks at the record, for words that the bus lost, ms. @defaultValue 5 s */
  lookMs?: number
}

export type Watched = {
  readonly signal: AbortSignal
  /** Hands over the job's machine, to be ended at once by a kill, whatever the job or its guest is busy with. */
  readonly hold: (machine: Machine) => Machine
  readonly end: () => void
}

/**
 * A signal that is aborted when somebody cancels or kills the job, wherever they did, or when `signal` is. The bus
 * brings the word at once; the record is read when the subscription stands and now and then, so that none is lost.
 */
export async function watchCancel(watch: Watch): Promise<Watched> {
  const { bus, store, job, signal, log, lookMs = 5000 } = watch
  const controller = new AbortController()
  let machine: Machine | undefined
  const cancel = (by: string) => controller.abort(new Cancelled(`cancelled by ${by}`))
  const kill = (by: string) => {
    controller.abort(new Killed(`killed by ${by}: its machine was ended with SIGKILL`))
    machine?.destroy('now').catch((err: unknown) => log.error({ err }, 'a kill did not work'))
  }
  const unsubscribe = bus.subscribe((message) => {
    if (message.type === 'cancel' && message.job === job.id) cancel(message.by)
    if (message.type === 'kill' && message.job === job.id) kill(message.by)
  })
  const look = async () => {
    const record = await store.jobs.get(job.id)
    if (record?.claim !== job.claim) return
    if (record.killRequested !== undefined) kill(record.killRequested)
    else if (record.cancelRequested !== undefined) cancel(record.cancelRequested)
  }
  const tryLook = () => look().catch((err: unknown) => log.debug({ err }, 'no look at the record'))
  await tryLook()
  const timer = setInterval(() => void tryLook(), lookMs)
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    hold: (held) => {
      machine = held
      return held
    },
    end: () => {
      clearInterval(timer)
      unsubscribe()
    },
  }
}
