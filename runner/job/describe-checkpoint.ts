import { formatDuration } from '../../config/duration.ts'
import type { CheckpointFacts } from '../machine/machine.ts'

/** One sentence on what becomes of a job's setup. */
export function describeCheckpoint(facts: CheckpointFacts): string {
  if (facts.state === 'none') return `setup runs for this job alone: ${facts.reason}`
  if (facts.state === 'to-keep')
    return `setup runs now, to be kept as checkpoint ${facts.key}: ${facts.reason}`
  if (facts.state === 'kept') {
    const time = formatDuration(facts.freezeMs)
    return `setup kept as checkpoint ${facts.key} in ${time}, from which this job goes on`
  }
  const age = formatDuration(Math.max(0, Date.now() - Date.parse(facts.made)))
  return `setup restored from checkpoint ${facts.key} (made by build ${facts.build}, ${age} ago)`
}
