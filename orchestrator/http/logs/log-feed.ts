import { consoleName } from '../../../runner/job/filenames.ts'
import { shareNext } from '../../../runner/share-next.ts'
import type { Bus } from '../../bus/bus.ts'
import { type BuildJob, isEnded } from '../../model/build.ts'
import { isKept } from '../../model/is-kept.ts'
import { type JobLog, logSize } from './job-log.ts'
import { logFrame } from './log-frame.ts'

/** What one look at a job and its log told. */
export type LogLook = {
  /** bytes */
  readonly size: number
  /** Nothing will come after `size`. */
  readonly isOver: boolean
  readonly state: BuildJob['state'] | undefined
  /** For `news`. */
  readonly version: number
}

export type LogFrame = {
  /** A whole server-sent event. */
  readonly bytes: Uint8Array
  /** Offset after it in bytes; where it began, if no character of it was whole yet. */
  readonly end: number
}

/** A log that grows, looked at, read and encoded once for all who follow it. */
export type LogFeed = {
  look(): Promise<LogLook>
  /** The event of what stands from `offset` on. */
  frame(offset: number, look: LogLook): Promise<LogFrame>
  /** Resolves when something of the job changed since that look, and after `ms` in any case. */
  news(look: LogLook, ms: number): Promise<void>
  /** Wakes who waits for news, and takes no more. */
  close(): void
}

type Open = {
  readonly bus: Bus
  readonly log: JobLog
  readonly job: string
  /**
   * Counts from 1; over when it has ended, or another one has begun. The console goes on with a machine that is kept.
   */
  readonly attempt: number
  /** The job as it is now. */
  readonly readJob: () => Promise<
    Pick<BuildJob, 'attempt' | 'state' | 'hold' | 'started' | 'ended'> | undefined
  >
  readonly now: () => Date
}

/** Bytes of a log in one event, at most; frames end at its multiples, so that followers who came at different times meet */
export const frameBytes = 64 * 1024
/** ms that the end of a log may be on its way to the archive */
const comingMs = 120_000
/** Those who are not far behind the first one find their frames made. */
const framesKept = 16

export function openLogFeed({ bus, log, job, attempt, readJob, now }: Open): LogFeed {
  let version = 0
  const waiting = new Set<() => void>()
  const frames = new Map<string, Promise<LogFrame>>()
  const wake = () => {
    version++
    for (const go of waiting) go()
  }
  const unsubscribe = bus.subscribe((message) => {
    const isOurs = ('job' in message && message.job === job) || (message.type === 'job' && message.id === job)
    if (isOurs) wake()
  })
  return {
    look: shareNext(async () => {
      const at = version
      // Asked before the size: what is written before the verdict is read after it.
      const current = await readJob()
      const isOver =
        current === undefined ||
        current.attempt > attempt ||
        (isEnded(current.state) &&
          !(log.name === consoleName && isKept(current, now())) &&
          ((await log.files.isComplete()) || isLongOver(current, now())))
      return { size: await logSize(log), isOver, state: current?.state, version: at }
    }),
    frame: (offset, { size, isOver }) => {
      const end = Math.min(size, frameEnd(offset))
      const isLast = isOver && end === size
      const key = `${offset}-${end}-${isLast}`
      const known = frames.get(key)
      if (known !== undefined) return known
      const made = readFrame(log, { offset, end, isLast })
      made.catch(() => frames.delete(key))
      frames.set(key, made)
      const [oldest] = frames.keys()
      if (frames.size > framesKept && oldest !== undefined) frames.delete(oldest)
      return made
    },
    news: async (look, ms) => {
      if (look.version !== version) return
      await new Promise<void>((resolve) => {
        const go = () => {
          clearTimeout(timer)
          waiting.delete(go)
          resolve()
        }
        const timer = setTimeout(go, ms)
        waiting.add(go)
      })
    },
    close: () => {
      unsubscribe()
      wake()
    },
  }
}

/**
 * What has not come from the host that ran a job by then is not waited for: the host may be gone. A job that never
 * began has nothing to come.
 */
function isLongOver({ started, ended }: Pick<BuildJob, 'started' | 'ended'>, now: Date): boolean {
  return started === undefined || now.getTime() - Date.parse(ended ?? '') > comingMs
}

// A frame may have ended up to three bytes before a multiple, in the middle of a character.
function frameEnd(offset: number): number {
  return (Math.floor((offset + 3) / frameBytes) + 1) * frameBytes
}

async function readFrame(
  { files, name }: JobLog,
  { offset, end, isLast }: { offset: number; end: number; isLast: boolean },
): Promise<LogFrame> {
  return logFrame({ bytes: await files.read(name, { start: offset, end }), offset, isLast })
}
