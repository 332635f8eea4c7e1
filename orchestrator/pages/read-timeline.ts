import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { timelineName } from '../../runner/job/filenames.ts'
import type { JobEvent } from '../../runner/job/job-event.ts'
import { createRecord, type JobRecord, recordEvent, type StepRecord } from '../../runner/job/job-record.ts'

export type PhaseTime = JobRecord['phases'][number]

export type JobTimeline = {
  readonly phases: readonly PhaseTime[]
  readonly steps: readonly StepRecord[]
  readonly artifacts: JobRecord['artifacts']
  readonly machine: JobRecord['machine']
}

const context = { jobId: '', buildId: '', repo: '', ref: '', sha: '', event: '' }

/** A job's timeline as it stands, whether it still runs or not; empty for one that has not begun. */
export async function readTimeline(folder: string): Promise<JobTimeline> {
  const text = await readFile(join(folder, timelineName), 'utf8').catch(() => '')
  const record = createRecord('', context)
  for (const line of text.split('\n')) {
    const event = parseEvent(line)
    if (event !== undefined) recordEvent(record, event)
  }
  return record
}

// The last line of a job that runs may be half written.
function parseEvent(line: string): JobEvent | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as JobEvent)
  } catch {
    return undefined
  }
}
