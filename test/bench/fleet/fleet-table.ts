import { formatTable } from '../../../orchestrator/command/view/format-table.ts'
import type { FleetOutcome } from './fleet-outcome.ts'

/** Of what went wrong. */
const mostShown = 20

/** What a run came to, as people read it; its last line is for those who search for it. */
export function fleetTable(outcome: FleetOutcome): string {
  const { hosts, killed, jobs, lost, doubled, left, verdicts, retried, inLine } = outcome
  const rows = outcome.kinds.map(({ kind, repositories, jobs, mean, p50, p99 }) => [
    kind,
    ...[repositories, jobs].map(String),
    ...[mean, p50, p99].map((ms) => `${Math.round(ms)} ms`),
  ])
  const told = Object.entries(verdicts).map(([verdict, count]) => `${count} ${verdict}`)
  const faults = [...lost.map((what) => `lost: ${what}`), ...doubled.map((what) => `doubled: ${what}`)]
  const last = [
    `hosts ${hosts}`,
    `killed ${killed}`,
    `jobs ${jobs}`,
    `lost ${lost.length}`,
    `doubled ${doubled.length}`,
    `jobs/s ${outcome.jobsPerSecond.toFixed(1)}`,
    `p50 ${Math.round(inLine.p50)} ms`,
    `p99 ${Math.round(inLine.p99)} ms`,
    `fairness ${outcome.fairness.toFixed(3)}`,
  ]
  return [
    formatTable(['REPOSITORIES', 'COUNT', 'JOBS', 'IN LINE, MEAN', 'P50', 'P99'], rows).trimEnd(),
    '',
    `verdicts: ${told.join(', ')}; attempts made anew: ${retried}; left in Redis: ${left.join(', ') || 'nothing'}`,
    ...outcome.reasons.slice(0, mostShown),
    ...faults.slice(0, mostShown),
    `fleet: ${last.join(', ')}`,
    '',
  ].join('\n')
}
