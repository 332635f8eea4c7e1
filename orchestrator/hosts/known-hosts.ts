import type { Redis } from 'ioredis'
import type { HostStatus } from '../model/queue-view.ts'

/** A host that is there, or was and may come back. */
export type KnownHost = {
  readonly computer: string
  readonly labels: readonly string[]
  /** What it has for machines in all; absent in what an earlier version remembered, here and below. */
  readonly cpus?: number | undefined
  /** bytes */
  readonly memory?: number | undefined
  /** The day it was last heard of, `2026-01-02`. */
  readonly heard: string
}

type Noted = Pick<HostStatus, 'computer' | 'labels' | 'cpus' | 'memory'>

/** Longer than anybody repairs a computer. */
const rememberedMs = 30 * 24 * 60 * 60_000

/** Hash of what hosts were called, and which labels and size they had. */
export const knownHostsKey = (prefix: string): string => `${prefix}:hosts-known`

/** Remembers hosts beyond their own word, so that jobs wait for one that is away and are refused for what none has. */
export function createKnownHosts({ redis, prefix }: { redis: Redis; prefix: string }) {
  const key = knownHostsKey(prefix)
  const noted = new Map<string, string>()
  const readAll = async () =>
    Object.entries(await redis.hgetall(key)).map(([computer, text]) => ({
      ...{ computer, labels: [], heard: '' },
      ...(JSON.parse(text) as Partial<KnownHost>),
    }))
  const isForgotten = ({ heard }: KnownHost, now: Date) => now.getTime() - Date.parse(heard) > rememberedMs
  return {
    /** Written when it changes and once a day. */
    note: async ({ computer, labels, cpus, memory }: Noted, now: Date): Promise<void> => {
      if (computer === undefined || labels === undefined) return
      const size = { cpus: cpus.total, memory: memory.total }
      const text = JSON.stringify({ labels, ...size, heard: now.toISOString().slice(0, 10) })
      if (noted.get(computer) === text) return
      await redis.hset(key, computer, text)
      noted.set(computer, text)
      const old = (await readAll()).filter((host) => isForgotten(host, now))
      if (old.length > 0) await redis.hdel(key, ...old.map((host) => host.computer))
    },
    forget: async (computer: string): Promise<void> => {
      noted.delete(computer)
      await redis.hdel(key, computer)
    },
    list: async (now: Date): Promise<KnownHost[]> =>
      (await readAll())
        .filter((host) => !isForgotten(host, now))
        .sort((a, b) => (a.computer < b.computer ? -1 : 1)),
  }
}
