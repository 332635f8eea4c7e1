import type { Redis } from 'ioredis'
import { costOf, withLaneScripts } from './lane-scripts.ts'
import type { LineJob, Share } from './line-job.ts'
import { jobKey, lineOf, queueId } from './queue-names.ts'

/** A job that hosts may take now, and its place among the others that they may. */
export type Offer = { readonly name: string; readonly place: number }

/** One repository in one line. */
export type Lane = { readonly line: string; readonly repository: string }

export type Lanes = {
  /**
   * Has a job wait at its place in its lane, which does nothing where it waits already or BullMQ has it. Gives what is to be
   * offered now, and what was offered and is to make room for it.
   */
  enter(job: LineJob, how: { share: Share; first: boolean }): Promise<{ offers: Offer[]; yields?: string }>
  /** What is to be offered of a lane now, one of it having been taken or not. */
  advance(lane: Lane, how: { share: Share; taken?: string | undefined }): Promise<Offer[]>
  /** Takes back what was offered and that BullMQ no longer has. False where it was not offered. */
  retract(lane: Lane, how: { name: string; waitsOn: boolean }): Promise<boolean>
  /** Takes a job out of its lane; false where it does not wait there. */
  leave(job: LineJob): Promise<boolean>
  /** Counts how long a job of a repository took, in seconds, by which its next ones are charged. */
  took(lane: Lane, seconds: number): Promise<void>
  /** The lines that there are, that of jobs without labels always. */
  lines(): Promise<string[]>
  /** Makes a line one of those. */
  keepLine(line: string): Promise<void>
  /** Makes it none of them, unless somebody waits in it. */
  forgetLine(line: string): Promise<void>
  /** Repositories that wait in a line or have something offered, and what that is. */
  standing(line: string): Promise<Map<string, string | undefined>>
  /** BullMQ's names of those that wait in a line and are not offered, in the order in which they are going to be. */
  waiting(line: string, limit: number, weightOf: (repository: string) => Promise<number>): Promise<string[]>
}

/** The lanes of all lines, in Redis. */
export function createLanes({ connection, prefix }: { connection: Redis; prefix: string }): Lanes {
  const redis = withLaneScripts(connection)
  const lines = `${prefix}:lines`
  const start = (line: string) => `${prefix}:line:${line}:`
  const laneKey = ({ line, repository }: Lane) => `${start(line)}lane:${repository}`
  return {
    enter: async (job, { share, first }) => {
      const line = lineOf(job.runsOn)
      const name = queueId(job)
      const who = [job.repository, share.weight, share.mayRun ? 1 : 0, name, job.resources.cpus]
      const where = [placeOf(job), first ? 1 : 0, line, jobKey(prefix, { line, name })]
      const answer = await redis.mayflyEnter(start(line), lines, ...who, ...where)
      return answer.length === 1 ? { offers: [], yields: String(answer[0]) } : { offers: offersIn(answer) }
    },
    advance: async ({ line, repository }, { share, taken = '' }) =>
      offersIn(await redis.mayflyAdvance(start(line), repository, share.weight, share.mayRun ? 1 : 0, taken)),
    retract: async ({ line, repository }, { name, waitsOn }) =>
      (await redis.mayflyRetract(start(line), repository, name, waitsOn ? 1 : 0)) === 1,
    leave: async (job) =>
      (await redis.mayflyLeave(
        start(lineOf(job.runsOn)),
        job.repository,
        queueId(job),
        job.resources.cpus,
      )) === 1,
    took: async ({ line, repository }, seconds) => {
      await redis.mayflyTook(start(line), repository, seconds)
    },
    lines: async () => [...new Set([lineOf(), ...(await redis.smembers(lines))])].sort(),
    keepLine: async (line) => {
      await redis.sadd(lines, line)
    },
    forgetLine: async (line) => {
      await redis.mayflyForget(start(line), lines, line)
    },
    standing: async (line) => {
      const [shares, offered] = await Promise.all([
        redis.zrange(`${start(line)}shares`, '0', '-1'),
        redis.hgetall(`${start(line)}offered`),
      ])
      return new Map(
        [...new Set([...shares, ...Object.keys(offered)])].map((repository) => [
          repository,
          offered[repository]?.split(' ')[0],
        ]),
      )
    },
    waiting: async (line, limit, weightOf) => {
      const shares = pairs(await redis.zrange(`${start(line)}shares`, '0', '-1', 'WITHSCORES'))
      const times = await redis.hgetall(`${start(line)}times`)
      const lanes = await Promise.all(
        shares.map(async ([repository, share]) => {
          const members = await redis.zrange(laneKey({ line, repository }), '0', String(limit - 1))
          const seconds = times[repository] === undefined ? undefined : Number(times[repository])
          const weight = members.length === 0 ? 1 : await weightOf(repository)
          let tag = Number(share)
          return members.map((member) => {
            const [name = '', cpus] = member.split(' ')
            const at = tag
            tag += costOf({ cpus: Number(cpus), seconds, weight })
            return { name, at }
          })
        }),
      )
      return lanes
        .flat()
        .sort((a, b) => a.at - b.at)
        .slice(0, limit)
        .map(({ name }) => name)
    },
  }
}

/** More places than the file's priorities and events make; what is larger is as late. */
const lastPriority = 8191

function placeOf({ priority }: LineJob): number {
  return Math.min(Math.max(0, Math.round(priority)), lastPriority)
}

function offersIn(answer: readonly (string | number)[]): Offer[] {
  return pairs(answer).map(([name, place]) => ({ name: String(name), place: Number(place) }))
}

function pairs<T>(flat: readonly T[]): [T, T][] {
  return Array.from({ length: Math.floor(flat.length / 2) }, (_, index) => [
    flat[2 * index] as T,
    flat[2 * index + 1] as T,
  ])
}
