import { describe, expect, it } from 'vitest'
import type { UntimedJobEvent } from '../../../runner/job/job-event.ts'
import { createRecord, recordEvent } from '../../../runner/job/job-record.ts'

const context = { jobId: 'j', buildId: 'b', repo: 'r', ref: 'm', sha: 's', event: 'push' }

function recordOf(...events: UntimedJobEvent[]) {
  const record = createRecord('main', context)
  for (const event of events) recordEvent(record, { ...event, at: 0 })
  return record
}

const begins = (index: number): UntimedJobEvent => ({
  ...{ type: 'step-started', index, name: `step ${index}`, offset: 0 },
})
const ends = (index: number): UntimedJobEvent => ({
  ...{ type: 'step-ended', index, name: `step ${index}`, status: 'passed', exitCode: 0, ms: 1, offset: 0 },
})
const sample = (step: number | undefined, cpuMs: number, memory: number): UntimedJobEvent => ({
  ...{ type: 'sample', step, cpuMs, memory, diskRead: cpuMs * 2, diskWritten: cpuMs * 3 },
  ...{ netSent: undefined, netReceived: undefined },
})

describe('the samples of a timeline', () => {
  it('become what each step took, and what the job took as a whole', () => {
    const record = recordOf(
      sample(undefined, 100, 700),
      begins(0),
      sample(undefined, 110, 50),
      sample(0, 150, 60),
      ends(0),
      sample(0, 160, 55),
      begins(1),
      sample(undefined, 170, 55),
      sample(1, 1_170, 90),
      ends(1),
    )
    expect(record.steps.map(({ use }) => use)).toMatchObject([
      { cpuMs: 50, memory: 60, diskRead: 100, diskWritten: 150 },
      { cpuMs: 1_000, memory: 90, diskRead: 2_000, diskWritten: 3_000 },
    ])
    expect(record.use).toMatchObject({ cpuMs: 1_170, memory: 700 })
  })

  it('of a setup that ran once more are those of its second run, and the job’s have both', () => {
    const record = recordOf(
      ...[begins(0), sample(0, 400, 10), ends(0)],
      ...[begins(0), sample(undefined, 500, 10), sample(0, 530, 12), ends(0)],
    )
    expect(record.steps).toHaveLength(1)
    expect(record.steps[0]?.use).toMatchObject({ cpuMs: 30, memory: 12 })
    expect(record.use).toMatchObject({ cpuMs: 530 })
  })

  it('of no step that is known belong to the job alone', () => {
    expect(recordOf(sample(7, 5, 5))).toMatchObject({ steps: [], use: { cpuMs: 5 } })
  })
})
