import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import type { SignedPush } from './github-push.ts'

type Load = {
  /** Of the server, without a path. */
  readonly url: string
  readonly pushes: readonly SignedPush[]
  /** Kept alive; so many requests are under way at once at most. */
  readonly sockets: number
  /** Sent at this rate, whatever the server does; undefined for as fast as answers come. */
  readonly perSecond?: number | undefined
}

export type Answers = {
  /** Milliseconds from the first one's start to the last one's answer. */
  readonly ms: number
  /** Milliseconds of each request, from when it was due to its answer, the shortest first. */
  readonly latencies: readonly number[]
  /** How many answers said what: `202 accepted`, `200 duplicate`, … */
  readonly said: Readonly<Record<string, number>>
}

/** Posts deliveries over HTTP and waits for every answer. Throws for a connection that breaks. */
export async function postDeliveries({ url, pushes, sockets, perSecond }: Load): Promise<Answers> {
  const pool = new Pool(url, { connections: sockets, pipelining: 1 })
  const latencies: number[] = []
  const said: Record<string, number> = {}
  const started = performance.now()
  const dueAt = (index: number) =>
    perSecond === undefined ? performance.now() : started + (index * 1000) / perSecond
  const post = async ({ headers, body }: SignedPush, due: number) => {
    const answer = await pool.request({ method: 'POST', path: '/webhooks/github', headers, body })
    const { verdict } = (await answer.body.json()) as { verdict?: string }
    latencies.push(performance.now() - due)
    const what = `${answer.statusCode} ${verdict}`
    said[what] = (said[what] ?? 0) + 1
  }
  try {
    if (perSecond === undefined) await inLanes(pushes, sockets, (push) => post(push, performance.now()))
    else await onTime(pushes, dueAt, post)
    return { ms: performance.now() - started, latencies: latencies.sort((a, b) => a - b), said }
  } finally {
    await pool.destroy()
  }
}

async function inLanes<T>(items: readonly T[], lanes: number, work: (item: T) => Promise<void>) {
  const left = items.values()
  const lane = async () => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/** Whoever is late is not forgiven: a request's time begins when it was due, not when it could be sent. */
async function onTime<T>(
  items: readonly T[],
  dueAt: (index: number) => number,
  work: (item: T, due: number) => Promise<void>,
) {
  const working: Promise<void>[] = []
  for (const [index, item] of items.entries()) {
    const due = dueAt(index)
    const early = due - performance.now()
    if (early > 1) await sleep(early)
    working.push(work(item, due))
  }
  await Promise.all(working)
}

/** The value below which this part of sorted values lies. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
