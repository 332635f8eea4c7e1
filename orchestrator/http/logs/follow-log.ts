import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import { readRange } from '../../../runner/logs/read-range.ts'
import type { Bus } from '../../bus/bus.ts'
import { type BuildJob, isEnded } from '../../model/build.ts'
import { type JobLog, logSize } from './job-log.ts'

type Follow = {
  context: Context
  bus: Bus
  log: JobLog
  /** bytes */
  from: number
  /** Counts from 1; followed until it has ended, or another one has begun. */
  attempt: number
  /** The job as it is now. */
  readJob: () => Promise<Pick<BuildJob, 'id' | 'attempt' | 'state'> | undefined>
}

/** Lines of a log that are sent as one event; a reader that is slow gets fewer, larger ones. */
const chunkBytes = 64 * 1024
/** Looked at without news, too: a message can be lost, a file cannot. */
const pollMs = 1_000
const pingMs = 15_000

/**
 * Streams a log as it grows. Each event's `id` is the byte offset after it, so that `Last-Event-ID` takes up a broken
 * stream without losing or repeating a byte; data is JSON, for bytes may hold line breaks. Ends with the job.
 *
 * One read at a time for each follower, and only after the last one was sent: a slow reader holds nothing in memory.
 */
export function followLog({ context, bus, log, from, attempt, readJob }: Follow): Response {
  // nginx would otherwise keep the events to itself until a buffer is full.
  context.header('X-Accel-Buffering', 'no')
  return streamSSE(context, async (stream) => {
    const job = await readJob()
    const news = createNews(bus, job?.id ?? '')
    stream.onAbort(() => news.end())
    let offset = from
    let pinged = Date.now()
    try {
      while (!stream.aborted) {
        // Asked before the size: what is written before the verdict is read after it.
        const current = await readJob()
        const isOver = current === undefined || isEnded(current.state) || current.attempt > attempt
        const size = await logSize(log)
        while (offset < size && !stream.aborted) {
          const bytes = await readChunk(log, offset, Math.min(size, offset + chunkBytes))
          const text = wholeText(bytes, isOver && offset + bytes.length >= size)
          if (text.length === 0) break
          offset += text.length
          await stream.writeSSE({
            id: String(offset),
            event: 'log',
            data: JSON.stringify({ text: decoder.decode(text), offset }),
          })
        }
        if (isOver) {
          await stream.writeSSE({
            id: String(offset),
            event: 'end',
            data: JSON.stringify({ state: current?.state, offset }),
          })
          return
        }
        if (Date.now() - pinged > pingMs) {
          pinged = Date.now()
          await stream.writeSSE({ event: 'ping', data: '{}' })
        }
        await news.wait(pollMs)
      }
    } finally {
      news.end()
    }
  })
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * The bytes without a character that has only begun: it is sent whole with what follows, since a reader that comes
 * back starts anew after the last event.
 */
function wholeText(bytes: Buffer, isLast: boolean): Buffer {
  if (isLast) return bytes
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return needed > back ? bytes.subarray(0, bytes.length - back) : bytes
  }
  return bytes
}

async function readChunk({ file }: JobLog, start: number, end: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of readRange({ file, start, end })) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Wakes a follower when something of its job changed. */
function createNews(bus: Bus, job: string) {
  let wake: () => void = () => undefined
  let fresh = false
  const unsubscribe = bus.subscribe((message) => {
    const isOurs = ('job' in message && message.job === job) || (message.type === 'job' && message.id === job)
    if (!isOurs) return
    fresh = true
    wake()
  })
  return {
    wait: async (ms: number) => {
      if (!fresh) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      fresh = false
    },
    end: () => {
      unsubscribe()
      wake()
    },
  }
}
