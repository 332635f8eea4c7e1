import type { Redis } from 'ioredis'
import { isEnded, type JobState } from '../../../orchestrator/model/build.ts'
import { type BookLine, booksKey } from './with-books.ts'

export type Books = {
  /** Takes what was written since. */
  read(): Promise<void>
  lines(): readonly BookLine[]
  /** How many jobs have their verdict by now. */
  ended(): number
}

const atOnce = 5000

/** Takes the books out of Redis as they are written. */
export function followBooks(redis: Redis): Books {
  const lines: BookLine[] = []
  const ended = new Set<string>()
  return {
    read: async () => {
      for (;;) {
        const texts = (await redis.lpop(booksKey, atOnce)) ?? []
        for (const text of texts) {
          const line = JSON.parse(text) as BookLine
          lines.push(line)
          if (line.state === 'ran') continue
          if (isEnded(line.state as JobState)) ended.add(line.id)
          else ended.delete(line.id)
        }
        if (texts.length < atOnce) return
      }
    },
    lines: () => lines,
    ended: () => ended.size,
  }
}
