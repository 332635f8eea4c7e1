import { nearest } from '../../config/nearest.ts'
import { hasLabels } from '../model/has-labels.ts'

type CheckLabels = {
  runsOn: readonly string[] | undefined
  /** Labels of each host that was ever heard of, there or not; none where no host is known. */
  known: readonly (readonly string[])[]
}

/** Why a job's labels will never be met by what hosts have had so far, with the way out; undefined where they may be. */
export function refuseLabels({
  runsOn = [],
  known,
}: CheckLabels): { reason: string; hint: string } | undefined {
  if (known.length === 0 || known.some((labels) => hasLabels(labels, runsOn))) return undefined
  const all = [...new Set(known.flat())].sort()
  const strange = runsOn.filter((label) => !all.includes(label))
  if (strange.length === 0) {
    return {
      reason: `expected \`runs_on\` that one host meets, got ${runsOn.join(', ')}, which no host has all of`,
      hint: 'ask for less under `runs_on`, or give a host these labels: `labels` in its host file',
    }
  }
  const meant = strange.flatMap((label) => nearest(label, all) ?? [])
  const guess = meant.length === 0 ? '' : `did you mean ${meant.join(', ')}? `
  return {
    reason: `expected labels that a host has (${all.slice(0, 20).join(', ')}), got ${strange.join(', ')}`,
    hint: `${guess}Labels are given under \`labels\` in the host file of a host`,
  }
}
