import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import { frameBytes, type LogFeed } from './log-feed.ts'

type Follow = {
  readonly context: Context
  /** Joined for this follower. */
  readonly feed: LogFeed
  readonly leave: () => void
  /** Resolves when it is this follower's turn to send so many bytes. */
  readonly turn: (bytes: number) => Promise<void>
  /** bytes */
  readonly from: number
}

/** Looked at without news, too: a message can be lost, a file cannot. */
const pollMs = 1_000
const pingMs = 15_000

/**
 * Streams a log as it grows. Each event's `id` is the byte offset after it, so that `Last-Event-ID` takes up a broken
 * stream without losing or repeating a byte. Ends with the job.
 *
 * One event at a time for each follower, and only after the last one was sent: a slow reader holds nothing in memory
 * that is its own.
 */
export function followLog({ context, feed, leave, turn, from }: Follow): Response {
  // nginx would otherwise keep the events to itself until a buffer is full.
  context.header('X-Accel-Buffering', 'no')
  return streamSSE(context, async (stream) => {
    let offset = from
    let pinged = performance.now()
    try {
      while (!stream.aborted) {
        const look = await feed.look()
        while (offset < look.size && !stream.aborted) {
          await turn(Math.min(look.size - offset, frameBytes))
          const { bytes, end } = await feed.frame(offset, look)
          if (end === offset) break
          offset = end
          await stream.write(bytes)
        }
        if (look.isOver) {
          const data = JSON.stringify({ state: look.state, offset })
          await stream.writeSSE({ id: String(offset), event: 'end', data })
          return
        }
        if (performance.now() - pinged > pingMs) {
          pinged = performance.now()
          await stream.writeSSE({ event: 'ping', data: '{}' })
        }
        await feed.news(look, pollMs)
      }
    } finally {
      leave()
    }
  })
}
