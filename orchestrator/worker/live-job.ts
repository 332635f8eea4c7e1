import { Cancelled } from '../../runner/job/outcome.ts'
import type { TakenHold } from '../holds/prepare-hold.ts'
import { HostStopping, LockLost } from '../queue/abort-causes.ts'
import type { RunEnd } from '../queue/take-order.ts'
import { endHeld, putBack } from './end-held.ts'
import type { Held } from './held-job.ts'
import { runInMachine } from './run-in-machine.ts'
import { watchCancel } from './watch-cancel.ts'

/** Takes a job that is ours from its machine to its verdict, or puts it back. Its signal's reason says which. */
export async function liveJob(held: Held, signal: AbortSignal): Promise<RunEnd> {
  const { parts, job, persist } = held
  const { store, log } = parts
  const build = await persist('reading a build', () => store.builds.get(job.build))
  const repository =
    build && (await persist('reading a repository', () => store.repositories.get(build.repository)))
  if (build === undefined || repository === undefined) {
    const reason = 'its repository is no longer registered'
    await endHeld(held, { verdict: 'errored', failure: 'config', reason, hint: undefined })
    return 'ended'
  }
  log.info({ host: parts.hostName }, held.left === undefined ? 'a job begins' : 'a job goes on')
  const cancel = await watchCancel({ bus: parts.bus, store, job, signal, log })
  let hold: TakenHold | undefined
  try {
    const ran = await runInMachine({ ...held, build, repository, cancel })
    const { record } = ran
    hold = ran.hold
    if (signal.reason instanceof LockLost) return 'ended'
    // A verdict that it came to before it was stopped is its own.
    if (record.verdict === 'cancelled' && cancel.signal.reason instanceof HostStopping)
      return await putBack(held)
    if (ran.lacked !== undefined && record.verdict === 'errored') {
      const back = await putBack(held, `waits for memory of its host: ${ran.lacked}`)
      return back === 'put-back' ? 'later' : back
    }
    if (await endHeld(held, record)) {
      parts.traces?.jobEnded(build, job)
      void hold?.begin()
      hold = undefined
    }
  } catch (error) {
    if (signal.reason instanceof LockLost) return 'ended'
    if (signal.reason instanceof HostStopping) return await putBack(held)
    // While its files were fetched, which is before its life in a machine begins.
    if (cancel.signal.reason instanceof Cancelled) {
      const reason = cancel.signal.reason.message
      await endHeld(held, { verdict: 'cancelled', failure: undefined, reason, hint: undefined })
      return 'ended'
    }
    log.error({ err: error }, 'a job ended without a verdict')
    const reason = error instanceof Error ? error.message : String(error)
    await endHeld(held, { verdict: 'errored', failure: 'host-lost', reason, hint: undefined })
  } finally {
    cancel.end()
    await hold?.giveUp()
  }
  return 'ended'
}
