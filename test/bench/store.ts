import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { ulid } from 'ulid'
import type { BuildState } from '../../orchestrator/model/build.ts'
import type { BuildFilter, Store } from '../../orchestrator/model/store.ts'
import { connectRedis } from '../../orchestrator/redis/connect-redis.ts'
import { startEmbeddedRedis } from '../../orchestrator/redis/embedded-redis.ts'
import { createRedisStore } from '../../orchestrator/store/redis-store.ts'
import { aBuild, aDelivery, aJob } from '../orchestrator/store/records.ts'
import type { BenchPlace } from './bench-place.ts'
import { type Figure, figure, type Target } from './figure.ts'

const builds = 100_000
const deliveries = 5000

/** What the embedded Redis gives: lists over 100,000 finished builds, and deliveries recorded with fsync. */
export async function store({ folder }: BenchPlace, runs: number): Promise<Figure[]> {
  const log = pino({ level: 'silent' })
  const uid = process.getuid?.() ?? 0
  const embedded = await startEmbeddedRedis({ dataFolder: join(folder, 'store'), env: process.env, uid, log })
  const address = { socket: embedded.socket }
  const redis = await connectRedis({ address, patience: 'wait', name: 'bench', log })
  try {
    const tested = createRedisStore({ redis, prefix: 'bench' })
    return [
      ...(await accepting({
        redis,
        tested,
        runs,
        fsync: 'always',
        rate: { atLeast: 1000 },
        late: { atMost: 50 },
      })),
      ...(await accepting({ redis, tested, runs, fsync: 'everysec' })),
      ...(await listing({ redis, tested, runs })),
    ]
  } finally {
    redis.disconnect()
    await embedded.stop()
  }
}

type Bench = { redis: Redis; tested: Store; runs: number }

/** 64 at a time, as a server with many open requests. */
type Accepting = Bench & { fsync: string; rate?: Target; late?: Target }

async function accepting({ redis, tested, runs, fsync, rate, late }: Accepting) {
  await redis.config('SET', 'appendfsync', fsync)
  const body = Buffer.from(
    JSON.stringify({ commits: Array.from({ length: 60 }, (_, index) => aBuild({ problem: `${index}` })) }),
  )
  const rates: number[] = []
  const slowest: number[] = []
  for (let run = 0; run < runs; run++) {
    const times: number[] = []
    const started = performance.now()
    await inParallel(64, deliveries, async () => {
      const asked = performance.now()
      await tested.deliveries.record(aDelivery(), body)
      times.push(performance.now() - asked)
    })
    rates.push(deliveries / ((performance.now() - started) / 1000))
    slowest.push(times.sort((a, b) => a - b)[Math.floor(deliveries * 0.99)] ?? Number.NaN)
  }
  const what = `delivery of ${Math.round(body.length / 1024)} KiB recorded, appendfsync ${fsync}`
  return [
    figure({ what, unit: '/s', samples: rates, ...(rate && { target: rate }) }),
    figure({ what: `${what}, p99`, unit: 'ms', samples: slowest, ...(late && { target: late }) }),
  ]
}

async function listing({ redis, tested, runs }: Bench): Promise<Figure[]> {
  await redis.config('SET', 'appendfsync', 'always')
  const before = await memory(redis)
  const ids = await load(tested)
  const perBuild = ((await memory(redis)) - before) / builds
  const middle = ids[builds / 2]
  const lists: Record<string, { filter: BuildFilter; cursor?: string | undefined }> = {
    'first page of all': { filter: {} },
    'page in the middle of all': { filter: {}, cursor: middle },
    'repository, branch and state': {
      filter: { repository: 'gitea:mayfly/r7', branch: 'main', state: 'failed' },
    },
    'state alone, in the middle': { filter: { state: 'passed' }, cursor: middle },
    'branch alone': { filter: { branch: 'release-4' } },
  }
  const figures: Figure[] = []
  for (const [name, { filter, cursor }] of Object.entries(lists)) {
    const samples: number[] = []
    for (let run = 0; run < Math.max(runs, 20); run++) {
      const started = performance.now()
      const page = await tested.builds.list(filter, { limit: 50, cursor })
      samples.push(performance.now() - started)
      if (page.items.length !== 50)
        throw new Error(`expected a full page for ${name}, got ${page.items.length}`)
    }
    figures.push(
      figure({ what: `50 of ${builds} builds: ${name}`, unit: 'ms', target: { atMost: 50 }, samples }),
    )
  }
  const size = figure({
    what: 'memory of a build with one job',
    unit: 'KiB',
    samples: [perBuild / 1024],
  })
  return [...figures, size]
}

async function load(tested: Store): Promise<string[]> {
  const states: BuildState[] = ['passed', 'passed', 'passed', 'failed', 'errored']
  const first = Date.now() - builds * 1000
  const ids: string[] = []
  await inParallel(256, builds, async (index) => {
    const id = ulid(first + index * 1000).toLowerCase()
    ids[index] = id
    const state = states[Math.floor(index / 60) % 5] ?? 'passed'
    const repository = `gitea:mayfly/r${index % 20}`
    const branch = index % 3 === 0 ? 'main' : `release-${index % 9}`
    const job = aJob(id, 'main', { state: state === 'failed' ? 'failed' : 'passed', repository })
    await tested.builds.add(aBuild({ id, repository, state, branch, jobs: [job.id] }), [job])
  })
  return ids
}

async function inParallel(
  width: number,
  count: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
}

async function memory(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}
