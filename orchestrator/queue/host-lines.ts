import type { Lanes } from './lanes.ts'
import type { Lines } from './lines.ts'
import { type Entry, isLineOfHost, jobOf, lineOfHost } from './queue-names.ts'

/** The lines of single hosts, each with the jobs that others handed to it. */
export type HostLines = {
  all(): Promise<string[]>
  /** As those of `JobQueue`. */
  hand(entry: Entry, host: string): Promise<boolean>
  recall(entry: Entry, host: string): Promise<void>
  giveBack(entry: Entry): Promise<void>
  /** Gives back what waits in one for long, and what a host took which died: nobody else looks at its line. */
  empty(line: string): Promise<void>
}

/** Jobs of one line that are looked at at a time. */
const most = 1000

export function createHostLines({ lanes, lines }: { lanes: Lanes; lines: Lines }): HostLines {
  const giveBack = async ({ line, name }: Entry) => {
    const ids = (await lines.of(line).getJob(name))?.data
    if (ids?.home === undefined) return
    await lanes.keepLine(ids.home)
    await lines.of(ids.home).add('job', ids, { jobId: name, lifo: true })
  }
  const recall = async (entry: Entry) => {
    if (!(await lines.isWaiting(entry))) return
    await giveBack(entry)
    await lines.of(entry.line).remove(entry.name)
  }
  return {
    all: async () => (await lanes.lines()).filter(isLineOfHost),
    hand: async ({ line, name }, host) => {
      const theirs = lineOfHost(host)
      if ((await lines.waiting(theirs, 1)).length > 0) return false
      const ids = (await lines.of(line).getJob(name))?.data
      await lanes.keepLine(theirs)
      await lines.of(theirs).add('job', { ...jobOf(name), ...ids, home: line }, { jobId: name })
      return true
    },
    recall: ({ name }, host) => recall({ line: lineOfHost(host), name }),
    giveBack,
    empty: async (line) => {
      for (const name of await lines.waiting(line, most)) await recall({ line, name })
      for (const name of await lines.unlocked(line, most)) {
        await giveBack({ line, name })
        await lines.expel({ line, name })
      }
    },
  }
}
