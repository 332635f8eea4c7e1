import type { Redis } from 'ioredis'
import { createHostLines } from './host-lines.ts'
import { createLanes, type Lane, type Offer } from './lanes.ts'
import type { LineJob, Share } from './line-job.ts'
import { createLines } from './lines.ts'
import { type Entry, isLineOfHost, jobOf, lineOf, queueId } from './queue-names.ts'

export type JobQueue = {
  /**
   * Puts a job in line; a second time for the same attempt does nothing. `first` puts it before the others of its
   * repository and priority.
   */
  add(job: LineJob, how?: { readonly first?: boolean }): Promise<void>
  /**
   * Puts a job in line before all others, for one that ran and lost its host by no doing of its own. Does nothing where
   * hosts may take it already, or one has.
   */
  addAhead(job: LineJob): Promise<void>
  /** Takes a waiting job out of line; false where it was not there any more. */
  remove(job: LineJob): Promise<boolean>
  /** Takes a job out of line that a process has which is gone, or nobody; nothing is no error. */
  drop(job: LineJob): Promise<void>
  /** A host has taken a job: the next one of its repository may be had. */
  taken(entry: { readonly line: string; readonly name: string; readonly repository: string }): Promise<void>
  /**
   * Puts a job of a line in that of one host, before it leaves the former; false, and nothing done, where another waits for
   * that host already.
   */
  hand(entry: Entry, host: string): Promise<boolean>
  /** Puts a job back that a host was handed and has not taken. */
  recall(entry: Entry, host: string): Promise<void>
  /** Puts a job back in its line, before it leaves that of the host which was handed it. */
  giveBack(entry: Entry): Promise<void>
  /** Says how long a job ran, in seconds: its repository's next ones count for as much. */
  took(lane: Lane, seconds: number): Promise<void>
  /** Offers the next job of a repository, which may have a further one running now. */
  advance(repository: string): Promise<void>
  /** Mends what processes that died left half done, and brings back what was put off; to be called now and then. */
  tend(): Promise<void>
  /** Ids of jobs that hosts have in hand: each runs there, or waits there for room. */
  inHand(): Promise<string[]>
  /** Ids of waiting jobs, first in line first; of several lines in turn. */
  waiting(limit: number): Promise<string[]>
  /** The lines that there are now. */
  lines(): Promise<string[]>
  close(): Promise<void>
}

type Options = {
  readonly connection: Redis
  readonly prefix: string
  /** Asked whenever a job may be offered. @defaultValue the same for all */
  readonly shareOf?: (repository: string) => Promise<Share>
}

const equalShare: Share = { weight: 1, mayRun: true }

/**
 * The line of jobs: one BullMQ queue for each set of labels that jobs ask for, and before each the lanes of the
 * repositories, of which it has one job at a time. The connection stays the caller's.
 */
export function createJobQueue({ connection, prefix, shareOf = async () => equalShare }: Options): JobQueue {
  const lanes = createLanes({ connection, prefix })
  const lines = createLines({ connection, prefix })
  const hostLines = createHostLines({ lanes, lines })

  const offer = async ({ line, repository }: Lane, offers: readonly Offer[]) => {
    const [next, ...others] = offers
    if (next === undefined) return
    const { id, attempt } = jobOf(next.name)
    await lines.of(line).add('job', { id, attempt, repository }, { jobId: next.name, priority: next.place })
    // The base that all places count from has moved.
    for (const { name, place } of others) {
      const entry = await lines.of(line).getJob(name)
      await entry?.changePriority({ priority: place }).catch(() => undefined)
    }
  }
  const advance = async (lane: Lane, taken?: string) =>
    await offer(lane, await lanes.advance(lane, { share: await shareOf(lane.repository), taken }))
  const laneOf = ({ runsOn, repository }: LineJob): Lane => ({ line: lineOf(runsOn), repository })
  const enter = async (job: LineJob, first: boolean) => {
    const lane = laneOf(job)
    const { offers, yields } = await lanes.enter(job, { share: await shareOf(job.repository), first })
    await offer(lane, offers)
    if (yields === undefined || !(await lines.withdraw({ line: lane.line, name: yields }))) return
    await lanes.retract(lane, { name: yields, waitsOn: true })
    await advance(lane)
  }

  /** What is offered and nobody can take, or was taken and nobody said so. */
  const mend = async (lane: Lane, offered: string | undefined) => {
    if (offered === undefined) return await advance(lane)
    const entry = { line: lane.line, name: offered }
    if (await lines.isWaiting(entry)) return
    await advance(lane, (await lines.isKnown(entry)) ? offered : undefined)
  }
  /** Where a job may be: in its line, or in that of a host. */
  const placesOf = async (job: LineJob) => [lineOf(job.runsOn), ...(await hostLines.all())]

  return {
    add: (job, { first = false } = {}) => enter(job, first),
    addAhead: async (job) => {
      const { line, repository } = laneOf(job)
      const name = queueId(job)
      await lanes.leave(job)
      await lanes.keepLine(line)
      const ids = { id: job.id, attempt: job.attempt, repository }
      await lines.of(line).add('job', ids, { jobId: name, lifo: true })
    },
    remove: async (job) => {
      if (await lanes.leave(job)) return true
      const lane = laneOf(job)
      const name = queueId(job)
      for (const line of await placesOf(job)) {
        if (!(await lines.withdraw({ line, name }))) continue
        if (await lanes.retract(lane, { name, waitsOn: false })) await advance(lane)
        return true
      }
      return false
    },
    drop: async (job) => {
      await lanes.leave(job)
      const lane = laneOf(job)
      const name = queueId(job)
      for (const line of await placesOf(job)) await lines.expel({ line, name })
      if (await lanes.retract(lane, { name, waitsOn: false })) await advance(lane)
    },
    taken: ({ line, name, repository }) => advance({ line, repository }, name),
    hand: hostLines.hand,
    recall: hostLines.recall,
    giveBack: hostLines.giveBack,
    took: lanes.took,
    advance: async (repository) => {
      for (const line of await lanes.lines()) await advance({ line, repository })
    },
    tend: async () => {
      for (const line of await lanes.lines()) {
        await lines.promoteLate(line)
        if (isLineOfHost(line)) await hostLines.empty(line)
        const standing = await lanes.standing(line)
        for (const [repository, offered] of standing) await mend({ line, repository }, offered)
        if (standing.size === 0 && line !== lineOf() && (await lines.isEmpty(line)))
          await lanes.forgetLine(line)
      }
    },
    inHand: async () => {
      const found = await Promise.all((await lanes.lines()).map((line) => lines.active(line)))
      return inTurn(found).map((name) => jobOf(name).id)
    },
    waiting: async (limit) => {
      if (limit <= 0) return []
      const weightOf = async (repository: string) => (await shareOf(repository)).weight
      const found = await Promise.all(
        (await lanes.lines()).map(async (line) => [
          ...(await lines.waiting(line, limit)),
          ...(await lanes.waiting(line, limit, weightOf)),
        ]),
      )
      return inTurn(found)
        .slice(0, limit)
        .map((name) => jobOf(name).id)
    },
    lines: lanes.lines,
    close: () => lines.close(),
  }
}

/** The first of each, the second of each, and so on. */
function inTurn<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length))
  return Array.from({ length: longest }, (_, index) =>
    lists.flatMap((list) => list.slice(index, index + 1)),
  ).flat()
}
