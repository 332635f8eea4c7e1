import { formatDuration } from '../../config/duration.ts'
import { InfraError } from '../../config/errors.ts'
import { collectArtifacts } from '../artifacts/collect-artifacts.ts'
import type { Machine } from '../machine/machine.ts'
import { timeLimit } from '../time-limit.ts'
import type { JobLife } from './job-life.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { placedError } from './placed-error.ts'

/** Artifacts are fetched after a job's own time is over, too, but not for ever. */
const collectMs = 10 * 60_000

/**
 * Fetches the artifacts that this outcome asks for. A failure to fetch makes a passed job errored; a job that did
 * not pass keeps its own verdict. Only cancelling stops it.
 */
export async function collectPhase(life: JobLife, machine: Machine, outcome: Outcome): Promise<Outcome> {
  const { order, timeline, artifacts: destination } = life
  const { job, host } = order
  // Asking once more would only wait for the same connection once more.
  if (outcome.failure === 'ssh-lost') {
    timeline.emit({ type: 'note', message: 'artifacts were not collected: the machine lets nobody in' })
    return outcome
  }
  const limit = timeLimit(order.signal, collectMs, `this took longer than ${formatDuration(collectMs)}`)
  try {
    const { problems } = await collectArtifacts({
      files: machine.files,
      workdir: machine.workdir,
      artifacts: job.artifacts,
      outcome: outcome.verdict === 'passed' ? 'success' : 'failure',
      destination,
      limits: { bytes: host.limits.artifactBytes, count: host.limits.artifactCount },
      signal: limit.signal,
      onArtifact: ({ path, bytes }) => timeline.emit({ type: 'artifact', path, bytes }),
    })
    for (const { path, reason } of problems) {
      timeline.emit({ type: 'note', message: `artifact ${JSON.stringify(path)}: ${reason}` })
    }
    return outcome
  } catch (error) {
    order.signal.throwIfAborted()
    const fault =
      error instanceof InfraError ? error : new InfraError('collect', messageOf(error), { cause: error })
    if (outcome.verdict === 'passed') return outcomeOf(placed(fault))
    timeline.emit({ type: 'note', message: `artifacts were not collected: ${fault.message}` })
    return outcome
  } finally {
    limit.clear()
  }
}

/** What is of this class says itself what it was about. */
function placed(fault: InfraError): InfraError {
  return fault.class === 'collect' ? fault : placedError(fault, 'while its artifacts were collected')
}

function messageOf(error: unknown): string {
  return `the artifacts could not be fetched: ${error instanceof Error ? error.message : String(error)}`
}
