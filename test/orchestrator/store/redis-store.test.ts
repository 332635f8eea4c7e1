import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { ulid } from 'ulid'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Build, BuildState } from '../../../orchestrator/model/build.ts'
import type { Store } from '../../../orchestrator/model/store.ts'
import { createRedisStore } from '../../../orchestrator/store/redis-store.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'
import { aBuild, aDelivery, aJob } from './records.ts'

let server: RealRedis
let redis: Redis
let store: Store

beforeAll(async () => {
  server = await startRedis()
  redis = server.connect()
  store = createRedisStore({ redis, prefix: 'test' })
})

beforeEach(() => redis.flushall())

afterAll(() => server.stop())

const ids = (page: { items: readonly { id: string }[] }) => page.items.map(({ id }) => id)
const all = { limit: 100, cursor: undefined }

describe('builds', () => {
  it('come back as they were written, with their jobs in their order', async () => {
    const build = aBuild({ id: 'b1', jobs: ['b1-two', 'b1-one'], problem: 'line 1:\n"no"\0\u{1F600}' })
    const jobs = [aJob('b1', 'one'), aJob('b1', 'two')]
    expect(await store.builds.add(build, jobs)).toBe(true)
    expect(await store.builds.get('b1')).toEqual(build)
    expect(await store.jobs.ofBuild('b1')).toEqual([jobs[1], jobs[0]])
    expect(await store.builds.get('b2')).toBeUndefined()
    expect(await store.jobs.ofBuild('b2')).toEqual([])
  })

  it('are not written over by a second build of the same id', async () => {
    await store.builds.add(aBuild({ id: 'b1', state: 'running' }), [])
    expect(await store.builds.add(aBuild({ id: 'b1', state: 'queued' }), [aJob('b1', 'new')])).toBe(false)
    expect((await store.builds.get('b1'))?.state).toBe('running')
    expect(await store.jobs.get('b1-new')).toBeUndefined()
  })

  it('keep what a change does not name, and lose what it sets to undefined', async () => {
    const build = aBuild({ problem: 'gone soon' })
    await store.builds.add(build, [])
    const changed = await store.builds.update(build.id, { state: 'running', problem: undefined })
    expect(changed).toEqual({ ...build, state: 'running', problem: undefined, revision: 1 })
    expect(await store.builds.get(build.id)).toEqual(changed)
    expect(await store.builds.update('nothing', { state: 'running' })).toBeUndefined()
    expect(await redis.exists('test:build:nothing')).toBe(0)
  })

  it('keep fields that a newer version wrote', async () => {
    const build = aBuild()
    await store.builds.add(build, [])
    await redis.hset(`test:build:${build.id}`, 'colour', '"red"')
    expect(await store.builds.update(build.id, { state: 'running' })).toMatchObject({ colour: 'red' })
  })

  it('say which field is damaged', async () => {
    await redis.hset('test:build:b1', { id: '"b1"', state: 'not json' })
    await expect(store.builds.get('b1')).rejects.toThrow('field state')
  })

  it('are listed newest first, page by page, also while newer ones arrive', async () => {
    const known = Array.from({ length: 7 }, (_, index) => `b${index}`)
    for (const id of known) await store.builds.add(aBuild({ id }), [])
    const first = await store.builds.list({}, { limit: 3, cursor: undefined })
    await store.builds.add(aBuild({ id: 'b7' }), [])
    const second = await store.builds.list({}, { limit: 3, cursor: first.next })
    const third = await store.builds.list({}, { limit: 3, cursor: second.next })
    expect([ids(first), ids(second), ids(third), third.next]).toEqual([
      ['b6', 'b5', 'b4'],
      ['b3', 'b2', 'b1'],
      ['b0'],
      undefined,
    ])
  })

  it('are found by any filter exactly as a plain search finds them, whatever their names and changes', async () => {
    const names = ['gitea:a/b', 'gitea:a/b,state="passed"', 'github:ä/"x"']
    const branches = ['main', 'feature/1,2', 'state="passed"', undefined]
    const states: BuildState[] = ['queued', 'running', 'passed']
    const pick = <T>(values: readonly T[]) => fc.constantFrom(...values)
    const build = fc.record({ repository: pick(names), branch: pick(branches), state: pick(states) })
    const change = fc.record({ at: fc.nat(), state: pick(states) })
    const script = fc.record({
      builds: fc.array(build, { maxLength: 8 }),
      changes: fc.array(change, { maxLength: 8 }),
    })
    const check = async ({ builds, changes }: typeof script extends fc.Arbitrary<infer T> ? T : never) => {
      await redis.flushall()
      const model = new Map<string, Build>()
      for (const { branch, ...rest } of builds) {
        const plain = aBuild({ id: ulid().toLowerCase(), ...rest })
        const written = { ...plain, trigger: { ...plain.trigger, branch } }
        await store.builds.add(written, [])
        model.set(written.id, written)
      }
      for (const { at, state } of changes) {
        const id = [...model.keys()][at % Math.max(1, model.size)]
        if (id === undefined) continue
        const changed = await store.builds.update(id, { state })
        if (changed !== undefined) model.set(id, changed)
      }
      for (const repository of [...names, undefined]) {
        for (const branch of branches) {
          for (const state of [...states, undefined]) {
            const expected = [...model.values()].filter(
              (one) =>
                (repository === undefined || one.repository === repository) &&
                (branch === undefined || one.trigger.branch === branch) &&
                (state === undefined || one.state === state),
            )
            const filter = {
              ...(repository && { repository }),
              ...(branch && { branch }),
              ...(state && { state }),
            }
            const found = ids(await store.builds.list(filter, all))
            expect(found).toEqual(
              expected
                .map(({ id }) => id)
                .sort()
                .reverse(),
            )
          }
        }
      }
    }
    await fc.assert(fc.asyncProperty(script, check), { numRuns: 25 })
  })
})

describe('jobs', () => {
  it('are claimed by exactly one of many hosts, and each claim grows the fencing token', async () => {
    const clients = Array.from({ length: 16 }, () =>
      createRedisStore({ redis: server.connect(), prefix: 'test' }),
    )
    await store.builds.add(aBuild({ id: 'b1' }), [aJob('b1', 'test')])
    for (let round = 1; round <= 30; round++) {
      const claims = await Promise.all(
        clients.map((client, host) => client.jobs.claim('b1-test', `host-${host}`)),
      )
      const won = claims.filter((claim) => claim !== undefined)
      expect(won).toHaveLength(1)
      expect(won[0]).toMatchObject({ state: 'claimed', claim: round })
      expect(await store.jobs.get('b1-test')).toEqual(won[0])
      expect(await store.jobs.change('b1-test', ['claimed'], { state: 'queued' }, round)).toMatchObject({
        claim: round,
      })
    }
  })

  it('are changed only from the states and with the claim that the change names', async () => {
    const job = aJob('b1', 'test')
    await store.builds.add(aBuild({ id: 'b1' }), [job])
    expect(await store.jobs.change(job.id, ['running', 'claimed'], { state: 'passed' })).toBeUndefined()
    const claimed = await store.jobs.claim(job.id, 'h')
    expect(claimed).toEqual({ ...job, state: 'claimed', claim: 1, host: 'h', revision: 1 })
    expect(await store.jobs.change(job.id, ['claimed'], { state: 'passed' }, 0)).toBeUndefined()
    expect(await store.jobs.change(job.id, ['claimed'], { state: 'passed', host: undefined }, 1)).toEqual({
      ...job,
      state: 'passed',
      claim: 1,
      revision: 2,
    })
    expect(await store.jobs.change('none', ['queued'], { state: 'passed' })).toBeUndefined()
    expect(await store.jobs.claim('none', 'h')).toBeUndefined()
  })

  it('let one of many concurrent verdicts stand', async () => {
    const clients = Array.from({ length: 12 }, () =>
      createRedisStore({ redis: server.connect(), prefix: 'test' }),
    )
    await store.builds.add(aBuild({ id: 'b1' }), [aJob('b1', 'test', { state: 'running' })])
    const verdicts = await Promise.all(
      clients.map(({ jobs }, index) =>
        jobs.change('b1-test', ['running'], {
          state: index % 2 ? 'passed' : 'cancelled',
          reason: `by ${index}`,
        }),
      ),
    )
    const [stands, ...more] = verdicts.filter((verdict) => verdict !== undefined)
    expect(more).toEqual([])
    expect(await store.jobs.get('b1-test')).toEqual(stands)
  })

  it('are given by state, the longest there first', async () => {
    const names = ['c', 'a', 'b']
    await store.builds.add(
      aBuild({ id: 'b1' }),
      names.map((name) => aJob('b1', name, { state: 'blocked' })),
    )
    for (const name of names) {
      await store.jobs.change(`b1-${name}`, ['blocked'], { state: 'queued' })
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
    await store.jobs.change('b1-c', ['queued'], { waiting: 'no host is free' })
    expect((await store.jobs.inState('queued')).map(({ name }) => name)).toEqual(['c', 'a', 'b'])
    expect(await store.jobs.inState('blocked')).toEqual([])
  })

  it('are counted by state and repository, also after they moved on, were removed or stood there before', async () => {
    const of = (name: string, repository: string) => aJob('b1', name, { state: 'blocked', repository })
    const jobs = [of('a', 'github:octo/a'), of('b', 'github:octo/a'), of('c', 'github:octo/b')]
    const build = aBuild({ id: 'b1', jobs: jobs.map(({ id }) => id), state: 'passed', ended: '2026-01-02' })
    await store.builds.add(build, jobs)
    expect(await store.jobs.count('blocked', 'github:octo/a')).toBe(2)
    await store.jobs.change('b1-a', ['blocked'], { state: 'queued' })
    expect(await store.jobs.count('blocked', 'github:octo/a')).toBe(1)
    expect(await store.jobs.count('queued', 'github:octo/a')).toBe(1)
    expect(await store.jobs.count('queued', 'github:octo/b')).toBe(0)
    // As a version before this one left it: in the index of its state alone.
    await redis.del('test:jobs-by,state="blocked",repository="github:octo/b"')
    await store.jobs.change('b1-c', ['blocked'], { state: 'queued' })
    expect(await store.jobs.count('queued', 'github:octo/b')).toBe(1)
    for (const { id } of jobs) await store.jobs.change(id, ['queued', 'blocked'], { state: 'passed' })
    expect(await store.builds.remove(build, [])).toBe(true)
    expect(await redis.keys('test:jobs-by*')).toEqual([])
  })
})

describe('groups', () => {
  it('are held by one of many jobs that take them, until it lets go', async () => {
    const jobs = ['j1', 'j2', 'j3', 'j4']
    const holders = new Set(await Promise.all(jobs.map((job) => store.groups.take('deploy', job))))
    expect(holders.size).toBe(1)
    const [holder = ''] = holders
    await store.groups.release('deploy', 'somebody else')
    expect(await store.groups.take('deploy', 'j5')).toBe(holder)
    expect(await store.groups.take('deploy', 'j5', 'not the holder')).toBe(holder)
    expect(await store.groups.take('deploy', 'j5', holder)).toBe('j5')
    expect(await store.groups.take('deploy', 'j5')).toBe('j5')
    await store.groups.release('deploy', 'j5')
    expect(await store.groups.take('deploy', 'j6')).toBe('j6')
  })
})

describe('deliveries', () => {
  const body = Buffer.from('{"ref":"refs/heads/main"}')

  it('come back with the very bytes of their body, for thirty days', async () => {
    const delivery = aDelivery()
    const bytes = Buffer.from([0, 255, 10, 13, 128])
    expect(await store.deliveries.record(delivery, bytes)).toBe(true)
    expect(await store.deliveries.get(delivery.id)).toEqual(delivery)
    expect(await store.deliveries.body(delivery.id)).toEqual(bytes)
    const ttl = await redis.ttl(`test:delivery-body:${delivery.id}`)
    expect(ttl).toBeGreaterThan(29 * 86_400)
    expect(ttl).toBeLessThanOrEqual(30 * 86_400)
    expect(await store.deliveries.body('none')).toBeUndefined()
  })

  it('that come again, even at the same moment, are recorded as duplicates but for one', async () => {
    const calls = Array.from({ length: 20 }, () => aDelivery({ forgeId: 'same', reasons: ['signed'] }))
    const clients = Array.from({ length: 5 }, () =>
      createRedisStore({ redis: server.connect(), prefix: 'test' }),
    )
    const fresh = await Promise.all(
      calls.map((call, index) => clients[index % 5]?.deliveries.record(call, body) ?? false),
    )
    const first = calls[fresh.indexOf(true)]
    expect(fresh.filter(Boolean)).toHaveLength(1)
    const duplicates = await store.deliveries.list({ verdict: 'duplicate' }, all)
    expect(duplicates.items).toHaveLength(19)
    expect(duplicates.items[0]?.reasons).toEqual(['signed', `the forge sent this before, as ${first?.id}`])
    expect(ids(await store.deliveries.list({ verdict: 'accepted' }, all))).toEqual([first?.id])
  })

  it('are no duplicates of themselves when the same record is sent twice', async () => {
    const delivery = aDelivery()
    expect(await store.deliveries.record(delivery, body)).toBe(true)
    expect(await store.deliveries.record(delivery, body)).toBe(true)
    expect((await store.deliveries.get(delivery.id))?.verdict).toBe('accepted')
  })

  it('may have the forge id of a refused call, of another forge, or of what they replay', async () => {
    const forgeId = 'id'
    const record = (change: Parameters<typeof aDelivery>[0]) =>
      store.deliveries.record(aDelivery({ forgeId, ...change }), body)
    expect(await record({ verdict: 'refused' })).toBe(true)
    expect(await record({})).toBe(true)
    expect(await record({ forge: 'github' })).toBe(true)
    expect(await record({ replayOf: 'd' })).toBe(true)
    expect(await record({})).toBe(false)
  })

  it('that are refused keep no body, for anyone can send them', async () => {
    const refused = aDelivery({ verdict: 'refused', reasons: ['the signature is wrong'] })
    await store.deliveries.record(refused, body)
    expect(await store.deliveries.get(refused.id)).toEqual(refused)
    expect(await store.deliveries.body(refused.id)).toBeUndefined()
  })

  it('are listed by repository and verdict as both change', async () => {
    const one = aDelivery({ id: '01d1' })
    const two = aDelivery({ id: '01d2', repository: undefined })
    // Ids of today's, so that they are not trimmed as old ones are.
    const [first, second] = [one, two].map((delivery) => ({ ...delivery, id: ulid().toLowerCase() }))
    if (first === undefined || second === undefined) throw new Error('expected two')
    await store.deliveries.record(first, body)
    await store.deliveries.record(second, body)
    await store.deliveries.update(first.id, { verdict: 'built', builds: ['b1'], reasons: ['rule 1'] })
    await store.deliveries.update(second.id, { repository: 'gitea:mayfly/hello' })
    expect(ids(await store.deliveries.list({}, all)).sort()).toEqual([first.id, second.id].sort())
    const found = await store.deliveries.list({ repository: 'gitea:mayfly/hello', verdict: 'built' }, all)
    expect(found.items).toEqual([{ ...first, verdict: 'built', builds: ['b1'], reasons: ['rule 1'] }])
    expect(ids(await store.deliveries.list({ verdict: 'accepted' }, all))).toEqual([second.id])
    expect(ids(await store.deliveries.list({ repository: 'gitea:mayfly/hello' }, all))).toHaveLength(2)
  })

  it('older than ninety days leave the lists when new ones come', async () => {
    const old = aDelivery({ id: ulid(Date.now() - 91 * 86_400_000).toLowerCase() })
    await store.deliveries.record(old, body)
    const fresh = aDelivery()
    await store.deliveries.record(fresh, body)
    expect(ids(await store.deliveries.list({}, all))).toEqual([fresh.id])
  })

  it('that were answered are there after Redis was killed in the middle of many', async () => {
    const calls = Array.from({ length: 300 }, () => aDelivery())
    const answers = calls.map((call) => store.deliveries.record(call, body))
    await answers[50]
    await server.restart()
    expect(await Promise.all(answers)).toEqual(calls.map(() => true))
    const kept = await Promise.all(calls.map(({ id }) => store.deliveries.get(id)))
    expect(kept).toEqual(calls)
  })
})

describe('repositories', () => {
  it('are put, listed by name, and removed', async () => {
    const repository = (name: string) => ({
      name,
      forge: 'gitea' as const,
      cloneUrl: `https://example.org/${name}.git`,
      apiUrl: undefined,
      pipelineFile: undefined,
      images: undefined,
      limits: { running: undefined, queued: 100, matrix: 50 },
      defaultBranch: 'main',
      submodules: false,
      lfs: false,
      created: '2026-01-02T03:04:05.000Z',
      from: 'api' as const,
    })
    for (const name of ['b/b', 'a/a']) await store.repositories.put(repository(name))
    expect(await store.repositories.list()).toEqual([repository('a/a'), repository('b/b')])
    expect(await store.repositories.get('gitea:a/a')).toEqual(repository('a/a'))
    expect([
      await store.repositories.remove('gitea:a/a'),
      await store.repositories.remove('gitea:a/a'),
    ]).toEqual([true, false])
    expect(await store.repositories.get('gitea:a/a')).toBeUndefined()
  })
})
