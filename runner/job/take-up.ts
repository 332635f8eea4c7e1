import { open } from 'node:fs/promises'
import type { Job } from '../../config/pipeline/pipeline.ts'
import { firstStep } from './first-step.ts'
import type { JobContext } from './job-environment.ts'
import type { JobFolder } from './job-folder.ts'
import { createRecord, type JobRecord, recordEvent } from './job-record.ts'
import { elapsedOf, hadVerdict, type Past, pastStep } from './past.ts'
import { findPlace, remarksIn } from './progress.ts'
import type { LogStart } from './timeline.ts'

/** The record of a job as far as another process brought it. */
export function takeUpRecord(
  past: Past,
  { name, context }: { name: string; context: JobContext },
): JobRecord {
  const record = createRecord(name, context, past.note.started)
  for (const event of past.events) recordEvent(record, event)
  return record
}

type TakeUp = { readonly past: Past; readonly job: Job; readonly folder: JobFolder }

/** Where the timeline of such a job goes on. */
export async function takeUpTimeline({
  past,
  job,
  folder,
}: TakeUp): Promise<{ elapsed: number; from: LogStart }> {
  const skipConsole = Math.max(0, folder.console.size - past.note.console.size)
  const { base, ...place } = findLogStart({ past, job, folder })
  const atLineStart = await isLineStart(folder.log.path, base)
  return { elapsed: elapsedOf(past), from: { ...place, skipConsole, atLineStart } }
}

type FoundStart = Pick<LogStart, 'step' | 'raw' | 'skip'> & { readonly base: number }

function findLogStart({ past, job, folder }: TakeUp): FoundStart {
  const { note, progress } = past
  const { size } = folder.log
  const first = firstStep(job)
  let base = note.logSize
  for (let index = first; index < first + job.steps.length && !hadVerdict(past); index++) {
    const step = pastStep(past, index)
    if (step?.ended?.status === 'passed') {
      base = step.ended.offset
      continue
    }
    if (step?.ended !== undefined) break
    if (step !== undefined && step.start <= size)
      return { base: size, step: index, ...findPlace({ progress, step: index, size, start: step.start }) }
    // Its line of ours is written once more, as far as it is not there.
    return {
      base,
      step: index,
      raw: 0,
      skip: Math.max(0, size - base - remarksIn(progress, { from: base, to: size })),
    }
  }
  return { base: size, step: undefined, raw: 0, skip: 0 }
}

async function isLineStart(path: string, place: number): Promise<boolean> {
  if (place === 0) return true
  await using file = await open(path)
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, place - 1)
  return buffer[0] === 10
}
