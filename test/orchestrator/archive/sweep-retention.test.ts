import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { encodeTime } from 'ulid'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Retention } from '../../../config/host/host-config.ts'
import { createArchive } from '../../../orchestrator/archive/archive.ts'
import { type SweepParts, sweepRetention } from '../../../orchestrator/archive/sweep-retention.ts'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import type { Build, BuildState } from '../../../orchestrator/model/build.ts'
import type { Store } from '../../../orchestrator/model/store.ts'
import { createRedisStore } from '../../../orchestrator/store/redis-store.ts'
import { createRetentionRecords } from '../../../orchestrator/store/retention-records.ts'
import { keptLog } from '../kept-log.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'
import { aBuild, aDelivery, aJob } from '../store/records.ts'

const day = 86_400_000
const now = Date.parse('2026-07-01T12:00:00.000Z')
const usual: Retention = { builds: { age: 60 * day }, logs: 30 * day, artifacts: 10 * day }
let server: RealRedis
let redis: Redis
let store: Store
let count = 0

beforeAll(async () => {
  server = await startRedis()
  redis = server.connect()
  store = createRedisStore({ redis, prefix: 'test' })
})
beforeEach(() => redis.flushall())
afterAll(() => server.stop())

async function aSweep(change: Partial<SweepParts> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-retention-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const metrics = createMetrics()
  const kept = keptLog()
  const parts: SweepParts = {
    store,
    records: createRetentionRecords({ redis, prefix: 'test' }),
    archive: createArchive({ folder }),
    retention: usual,
    metrics,
    now: () => new Date(now),
    log: kept.log,
    goOn: async () => true,
    ...change,
  }
  /** A build of two jobs, of which the first has had two attempts, each with its folder. */
  const build = async (days: number, change: Partial<Build> = {}): Promise<string> => {
    count += 1
    const at = new Date(now - days * day)
    const id = `${encodeTime(at.getTime(), 10).toLowerCase()}${String(count).padStart(16, '0')}`
    const ended = at.toISOString()
    const over = { state: 'passed' as const, ended, ...change }
    const jobs = [
      aJob(id, 'one', { attempt: 2, state: 'passed', ended: over.ended }),
      aJob(id, 'two', { state: over.state === 'waiting' ? 'blocked' : over.state, ended: over.ended }),
    ]
    await store.builds.add(aBuild({ id, jobs: jobs.map((job) => job.id), ...over }), jobs)
    for (const attempt of ['one-1', 'one-2', 'two-1']) {
      const path = join(folder, 'jobs', `${id}-${attempt}`)
      await mkdir(join(path, 'artifacts'), { recursive: true })
      for (const file of ['record.json', 'log', 'console', 'timeline.jsonl', 'artifacts/a'])
        await writeFile(join(path, file), 'x')
    }
    return id
  }
  return {
    parts,
    folder,
    metrics,
    kept,
    build,
    sweep: (other: Partial<SweepParts> = {}) => sweepRetention({ ...parts, ...other }),
    files: (id: string) => readdir(join(folder, 'jobs', `${id}-one-2`)).catch(() => []),
    folders: async () => (await readdir(join(folder, 'jobs'))).length,
    listed: async () =>
      (await store.builds.list({}, { limit: 100, cursor: undefined })).items.map(({ id }) => id),
  }
}

/** All of Redis that names an id, in a key or in a value. */
async function mentions(id: string): Promise<string[]> {
  const found: string[] = []
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key)
    const value =
      type === 'zset'
        ? await redis.zrange(key, '0', '-1')
        : type === 'hash'
          ? await redis.hgetall(key)
          : await redis.get(key)
    if (`${key} ${JSON.stringify(value)}`.includes(id)) found.push(key)
  }
  return found
}

describe('a sweep', () => {
  it('takes artifacts, then logs, then all of a build, each in its time', async () => {
    const { build, sweep, files, listed, folder } = await aSweep()
    const ids = [await build(5), await build(20), await build(40), await build(100)]
    await build(90)
    expect(await sweep()).toBe(false)
    expect(await listed()).toEqual([ids[0], ids[1], ids[2]])
    expect(await files(ids[0] ?? '')).toContain('artifacts')
    expect((await files(ids[1] ?? '')).sort()).toEqual(['console', 'log', 'record.json', 'timeline.jsonl'])
    expect(await files(ids[2] ?? '')).toEqual(['record.json'])
    expect(await readdir(join(folder, 'builds'))).toEqual([ids[2], ids[1], ids[0]])
    expect(await readdir(join(folder, 'jobs'))).toHaveLength(9)
  })

  it('leaves nothing of a pruned build in Redis but that it has gone', async () => {
    const { build, sweep } = await aSweep()
    const id = await build(100)
    const other = await build(1)
    const group = { group: 'deploy', cancel: false }
    const job = await store.jobs.get(`${id}-one`)
    await store.jobs.change(`${id}-one`, ['passed'], { job: { ...job?.job, concurrency: group } as never })
    await store.groups.take('gitea:mayfly/hello/deploy', `${id}-one`)
    await sweep()
    // Where the stages are, and what was pruned last.
    expect((await mentions(id)).sort()).toEqual(['test:builds-pruned', 'test:retention'])
    expect(await store.builds.isPruned(id)).toBe(true)
    expect(await store.builds.isPruned(other)).toBe(false)
    expect(await store.builds.isPruned('zzz')).toBe(false)
    expect(await store.groups.take('gitea:mayfly/hello/deploy', 'next')).toBe('next')
    expect(
      await store.builds.list({ state: 'passed', branch: 'main' }, { limit: 9, cursor: undefined }),
    ).toMatchObject({ items: [{ id: other }] })
  })

  it.each<BuildState>(['running', 'waiting', 'queued'])(
    'never touches a build that is %s, old as it is',
    async (state) => {
      const { build, sweep, files, listed } = await aSweep()
      const id = await build(1000, { state, ended: undefined })
      await sweep()
      await sweep({ retention: { ...usual, builds: { newest: 1 } } })
      expect(await listed()).toEqual([id])
      expect(await files(id)).toContain('artifacts')
    },
  )

  it('does not prune a build that is run again between the look and the deed', async () => {
    const { build, sweep, parts, listed, files } = await aSweep({
      retention: { ...usual, logs: 999 * day, artifacts: 999 * day },
    })
    const id = await build(100)
    const jobs: Store['jobs'] = {
      ...store.jobs,
      ofBuild: async (build) => {
        const found = await store.jobs.ofBuild(build)
        await store.builds.update(build, { state: 'queued', ended: undefined })
        return found
      },
    }
    await parts.records.setProgress('records', '~')
    await sweep({ store: { builds: store.builds, jobs } })
    expect(await listed()).toEqual([id])
    expect(await files(id)).toContain('log')
    await store.builds.update(id, { state: 'failed', ended: new Date(now).toISOString() })
    await sweep()
    expect(await listed()).toEqual([id])
  })

  it('keeps the newest of each repository where a number is set', async () => {
    const { build, sweep, listed } = await aSweep({ retention: { ...usual, builds: { newest: 2 } } })
    const mine = [await build(9), await build(8), await build(7)]
    const theirs = await build(200, { repository: 'gitea:quiet/one' })
    const running = await build(300, { state: 'running', ended: undefined })
    await sweep()
    expect(await listed()).toEqual([mine[2], mine[1], theirs, running])
  })

  it('is bounded, says that there is more, and goes on where it was', async () => {
    const { build, sweep, listed } = await aSweep()
    for (let index = 0; index < 7; index += 1) await build(100 + index)
    expect(await sweep({ most: 3 })).toBe(true)
    expect(await listed()).toHaveLength(4)
    expect(await sweep({ most: 3 })).toBe(true)
    expect(await sweep({ most: 3 })).toBe(false)
    expect(await listed()).toHaveLength(0)
  })

  it('cut off at any moment, is ended by the next', async () => {
    const { build, sweep, listed, folders, parts, folder } = await aSweep()
    const ids = [await build(100), await build(101), await build(40), await build(20)]
    for (let steps = 0; steps < 30; steps += 1) {
      let left = steps
      await sweep({
        goOn: async () => {
          left -= 1
          return left >= 0
        },
      })
      // Whatever is still listed has its record, whatever is not may still have folders that are noted.
      for (const id of await listed()) expect(await store.jobs.ofBuild(id)).toHaveLength(2)
    }
    await sweep()
    expect(await listed()).toEqual([ids[3], ids[2]])
    expect(await folders()).toBe(6)
    expect(await readdir(join(folder, 'builds'))).toHaveLength(2)
    expect(await parts.records.toRemove()).toEqual([])
  })

  it('ends what one that was killed between Redis and the folders left', async () => {
    const { build, sweep, parts, folders } = await aSweep()
    await build(100)
    const dying = { ...parts.archive, remove: () => Promise.reject(new Error('killed')) }
    await sweep({ archive: dying })
    expect([await folders(), (await parts.records.toRemove()).length]).toEqual([3, 1])
    await sweep()
    expect([await folders(), (await parts.records.toRemove()).length]).toEqual([0, 0])
  })

  it('keeps the record that a full disk did not take when the build ended', async () => {
    const { build, sweep, parts } = await aSweep()
    const id = await build(1)
    const just = await build(0)
    await sweep()
    expect((await parts.archive.read(id))?.jobs).toHaveLength(2)
    // Of one that ended this minute another process may still be writing.
    expect(await parts.archive.read(just)).toBeUndefined()
  })

  it('counts what it did and what it could not, and does the rest', async () => {
    const { build, sweep, metrics, parts, kept, files } = await aSweep()
    const bad = await build(20)
    const good = await build(19)
    const removeArtifacts = (attempts: readonly string[]) =>
      attempts[0]?.startsWith(bad)
        ? Promise.reject(new Error('EACCES'))
        : parts.archive.removeArtifacts(attempts)
    await sweep({ archive: { ...parts.archive, removeArtifacts } })
    expect(await files(good)).not.toContain('artifacts')
    const text = await metrics.registry.metrics()
    expect(text).toContain('mayfly_retention_total{what="artifacts"} 1')
    expect(text).toContain('mayfly_retention_total{what="records"} 2')
    expect(text).toContain('mayfly_retention_failures_total{what="artifacts"} 1')
    expect(kept.lines()).toContain('EACCES')
  })

  it('takes deliveries whose time is over out of the lists of repositories that nothing comes for', async () => {
    const { sweep } = await aSweep({ now: () => new Date() })
    const old = aDelivery({ id: `${encodeTime(Date.now() - 91 * day, 10).toLowerCase()}0000000000000000` })
    const young = aDelivery()
    await store.deliveries.record(old, Buffer.from('{}'))
    await redis.del(`test:delivery:${old.id}`)
    await store.deliveries.record({ ...young, repository: 'gitea:an/other' }, Buffer.from('{}'))
    await sweep()
    expect((await mentions(old.id)).filter((key) => !key.includes('body') && !key.includes('seen'))).toEqual(
      [],
    )
    expect((await mentions(young.id)).length).toBeGreaterThan(3)
  })
})
