import { formatSize } from '../../../config/size.ts'
import type { JobTimeline } from '../read-timeline.ts'
import type { Curve, Most } from './curve-lane.tsx'
import { type Interval, usedIntervals } from './curves.ts'

export type LaneOfCurves = {
  readonly name: string
  readonly most: readonly Most[]
  readonly top: number
  readonly curves: readonly Curve[]
}

export type CurveLanes = { readonly intervals: readonly Interval[]; readonly lanes: readonly LaneOfCurves[] }

/** What a job took of the host as lanes of curves: processors, memory, disk, and network where there is one. */
export function curveLanes({ samples, machine, end }: JobTimeline): CurveLanes {
  const intervals = usedIntervals(samples, end)
  if (intervals.length === 0) return { intervals, lanes: [] }
  const most = (of: Curve['of']) => Math.max(0, ...intervals.map(of))
  const cpus = machine?.cpus ?? 1
  const memory = machine?.memory ?? 0
  const peak = most((one) => one.memory)
  const pair = (name: string, one: [string, Curve['of']], other: [string, Curve['of']]): LaneOfCurves => ({
    name,
    most: [
      { words: 'most ' },
      { words: `${perSecond(most(one[1]))} ${one[0]}`, className: 'words-one' },
      { words: ', ' },
      { words: `${perSecond(most(other[1]))} ${other[0]}`, className: 'words-other' },
    ],
    top: Math.max(most(one[1]), most(other[1]), 1),
    curves: [
      { of: one[1], className: 'curve-one' },
      { of: other[1], className: 'curve-other' },
    ],
  })
  const lanes: LaneOfCurves[] = [
    {
      name: 'CPU',
      most: [{ words: `most ${most((one) => one.cpus).toFixed(2)} of ${cpus} cpus` }],
      top: Math.max(
        cpus,
        most((one) => one.cpus),
      ),
      curves: [{ of: (one) => one.cpus, className: 'curve-one' }],
    },
    {
      name: 'Memory on the host',
      most: [{ words: `most ${formatSize(peak)}, guest ${formatSize(memory)}` }],
      top: Math.max(memory, peak),
      curves: [{ of: (one) => one.memory, className: 'curve-one' }],
    },
    pair('Disk', ['written', (one) => one.diskWritten], ['read', (one) => one.diskRead]),
  ]
  if (intervals.some(({ netReceived }) => netReceived !== undefined))
    lanes.push(pair('Network', ['in', (one) => one.netReceived ?? 0], ['out', (one) => one.netSent ?? 0]))
  return { intervals, lanes }
}

function perSecond(bytes: number): string {
  return `${formatSize(Math.round(bytes))}/s`
}
