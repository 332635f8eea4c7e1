import type { Redis } from 'ioredis'
import type { Cordon, HostStatus } from '../model/queue-view.ts'
import { computerOf } from './computer-of.ts'
import { createCordons } from './cordons.ts'
import { createKnownHosts, type KnownHost } from './known-hosts.ts'

/** The hosts of an installation, as they last said of themselves. */
export type Hosts = {
  announce(status: Announced): Promise<void>
  /** Gives a host that is not on the list the usual time to announce itself. */
  expect(name: string): Promise<void>
  /** Says that a host is silent for a time, and that its jobs go on. */
  goAway(name: string, away: { readonly running: readonly string[]; readonly ms: number }): Promise<void>
  /** Takes a host off the list when it ends in good order. */
  leave(name: string): Promise<void>
  list(): Promise<HostStatus[]>
  /** The time by which hosts are told to be silent. */
  now(): Promise<Date>
  /** Hosts that said what they are called in the last 30 days, there or not. */
  known(): Promise<KnownHost[]>
  /** A host that is not to come back: jobs do not wait for its labels any more. */
  forget(computer: string): Promise<void>
}

/** What a host says of itself. */
export type Announced = Omit<HostStatus, 'heard' | 'stale' | 'cordon'>

/** A host announces itself this often, */
export const heartbeatMs = 5_000
/** and is taken for lost when it has not for so long. */
export const staleMs = 30_000

type Options = {
  redis: Redis
  prefix: string
  /** @defaultValue the clock of Redis, which is the same for all hosts whatever theirs say */
  now?: () => Date
  /** ms of silence after which a host is taken for lost. @defaultValue staleMs */
  stale?: number
}

/** One hash in Redis: what each host said last, by its name. */
export function createHosts({ redis, prefix, now, stale = staleMs }: Options): Hosts {
  const key = `${prefix}:hosts`
  const cordons = createCordons({ redis, prefix })
  const knownHosts = createKnownHosts({ redis, prefix })
  const time = async () => {
    if (now !== undefined) return now()
    const [seconds = 0, microseconds = 0] = await redis.time()
    return new Date(Number(seconds) * 1000 + Number(microseconds) / 1000)
  }
  return {
    announce: async (status) => {
      const heard = await time()
      await redis.hset(key, status.name, JSON.stringify({ ...status, heard: heard.toISOString() }))
      await knownHosts.note(status, heard)
    },
    expect: async (name) => {
      const nothing = { total: 0, taken: 0 }
      const status = {
        name,
        cpus: nothing,
        memory: nothing,
        running: [],
        heard: (await time()).toISOString(),
      }
      await redis.hsetnx(key, name, JSON.stringify(status))
    },
    goAway: async (name, { running, ms }) => {
      const known = await redis.hget(key, name)
      if (known === null) return
      const heard = await time()
      const awayUntil = new Date(heard.getTime() + ms).toISOString()
      const status = { ...JSON.parse(known), running, heard: heard.toISOString(), awayUntil }
      await redis.hset(key, name, JSON.stringify(status))
    },
    leave: async (name) => {
      await redis.hdel(key, name)
    },
    list: async () => {
      const [texts, cordoned] = await Promise.all([redis.hgetall(key), cordons.list()])
      const found = Object.values(texts).map((value) => JSON.parse(value) as HostStatus)
      const at = (await time()).getTime()
      return found
        .map((status) => withCordon({ ...status, stale: at > staleAt(status, stale) }, cordoned))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    now: time,
    forget: (computer) => knownHosts.forget(computer),
    known: async () => await knownHosts.list(await time()),
  }
}

function withCordon(status: HostStatus, cordoned: ReadonlyMap<string, Cordon>): HostStatus {
  const cordon = cordoned.get(computerOf(status))
  return cordon === undefined ? status : { ...status, cordon }
}

function staleAt({ heard, awayUntil }: HostStatus, ms: number): number {
  return Math.max(Date.parse(heard) + ms, awayUntil === undefined ? 0 : Date.parse(awayUntil))
}
