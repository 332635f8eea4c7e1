import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EgressRecord } from '../egress/egress-record.ts'
import { monotonicMs } from '../keeper/lease.ts'
import { progressName, timelineName } from './filenames.ts'
import type { JobEvent } from './job-event.ts'
import type { JobNote } from './job-note.ts'
import type { Progress } from './progress.ts'
import type { Counted } from './sample-machine.ts'
import type { Phase } from './verdict.ts'

/** What another process, which is gone, wrote down of a job. */
export type Past = {
  readonly note: JobNote
  /** All but log and console, in order. */
  readonly events: readonly JobEvent[]
  readonly progress: readonly Progress[]
  /** What had gone over its egress proxy. */
  readonly egress: readonly EgressRecord[]
  /** What it had taken of the host; undefined where nothing is known. */
  readonly counted: Counted | undefined
}

/** How a step stood. `at` as in `JobEvent`; `start` and `end` are places in the log. */
export type PastStep = {
  readonly at: number
  readonly start: number
  readonly ended: Extract<JobEvent, { type: 'step-ended' }> | undefined
}

/** Reads what lies in the folder of a job. What a crash tore is left out. */
export async function readPast(folder: string, note: JobNote): Promise<Past> {
  const events = await readEvents(folder)
  const progress = await readLines<Progress>(join(folder, progressName))
  const egress = progress.filter((line) => line.type === 'egress').at(-1)?.records ?? []
  const counted = progress.filter((line) => line.type === 'counted').at(-1)
  return { note, events, progress, egress, counted }
}

/** What happened to the job of a folder so far, all but log and console. */
export function readEvents(folder: string): Promise<JobEvent[]> {
  return readLines<JobEvent>(join(folder, timelineName))
}

/** Milliseconds since the job began. */
export function elapsedOf({ note }: Past): number {
  return monotonicMs() - note.began
}

/** Undefined where it had not begun. */
export function pastStep({ events }: Past, index: number): PastStep | undefined {
  const started = events
    .filter((event) => event.type === 'step-started')
    .findLast((one) => one.index === index)
  if (started === undefined) return undefined
  const ended = events.filter((event) => event.type === 'step-ended').findLast((one) => one.index === index)
  return { at: started.at, start: started.offset, ended }
}

/** How a phase stood; undefined where it had not begun. */
export function pastPhase(
  { events }: Pick<Past, 'events'>,
  phase: Phase,
): { at: number; isOver: boolean } | undefined {
  const started = events.find((event) => event.type === 'phase-started' && event.phase === phase)
  if (started === undefined) return undefined
  return {
    at: started.at,
    isOver: events.some((event) => event.type === 'phase-ended' && event.phase === phase),
  }
}

/** Whether the job had its verdict. */
export function hadVerdict({ events }: Past): boolean {
  return events.some(({ type }) => type === 'verdict')
}

async function readLines<T>(path: string): Promise<T[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  // The last one may be torn.
  const lines = text.split('\n').slice(0, -1)
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as T]
    } catch {
      return []
    }
  })
}
