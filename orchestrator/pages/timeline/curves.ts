import type { Sample } from '../read-timeline.ts'

/** What was used between two samples; processors, bytes, and bytes a second. */
export type Interval = {
  /** Milliseconds since the job began. */
  readonly from: number
  readonly to: number
  readonly cpus: number
  readonly memory: number
  readonly diskRead: number
  readonly diskWritten: number
  /** Undefined where the machine has no proxy. */
  readonly netSent: number | undefined
  readonly netReceived: number | undefined
}

const mostIntervals = 300
/** The kernel counts processor time in hundredths of a second: over a shorter time a rate would mean nothing. */
const leastMs = 500

/** The use of a job over its time, as at most 300 intervals, however many samples it has. */
export function usedIntervals(samples: readonly Sample[], end: number): Interval[] {
  const gap = Math.max(leastMs, end / mostIntervals)
  const intervals: Interval[] = []
  let before = samples[0]
  let memory = before?.memory ?? 0
  for (const [index, sample] of samples.entries()) {
    if (before === undefined || index === 0) continue
    memory = Math.max(memory, sample.memory)
    if (sample.at - before.at < gap) continue
    intervals.push({ ...ratesBetween(before, sample), memory })
    before = sample
    memory = sample.memory
  }
  return intervals
}

function ratesBetween(before: Sample, after: Sample): Omit<Interval, 'memory'> {
  const ms = after.at - before.at
  const bytes = (key: 'diskRead' | 'diskWritten') => ((after[key] - before[key]) * 1000) / ms
  const net = (key: 'netSent' | 'netReceived') => {
    const sum = after[key]
    return sum === undefined ? undefined : ((sum - (before[key] ?? 0)) * 1000) / ms
  }
  return {
    from: before.at,
    to: after.at,
    cpus: (after.cpuMs - before.cpuMs) / ms,
    diskRead: bytes('diskRead'),
    diskWritten: bytes('diskWritten'),
    netSent: net('netSent'),
    netReceived: net('netReceived'),
  }
}
