import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import type { Concurrency } from '../../../config/pipeline/pipeline.ts'
import { createArchive } from '../../../orchestrator/archive/archive.ts'
import { archivedStore } from '../../../orchestrator/archive/archived-store.ts'
import { createIndexGuard } from '../../../orchestrator/archive/index-guard.ts'
import { markIndex } from '../../../orchestrator/archive/index-mark.ts'
import { createKeepRegister } from '../../../orchestrator/archive/keep-register.ts'
import { reindex } from '../../../orchestrator/archive/reindex.ts'
import { wholeStore, wholeTokens } from '../../../orchestrator/archive/whole-index.ts'
import { createKeptJobs } from '../../../orchestrator/holds/kept-jobs.ts'
import { createOptIns } from '../../../orchestrator/holds/opt-ins.ts'
import { createCordons } from '../../../orchestrator/hosts/cordons.ts'
import { createHosts } from '../../../orchestrator/hosts/hosts.ts'
import { createVault } from '../../../orchestrator/secrets/create-vault.ts'
import { createRedisStore } from '../../../orchestrator/store/redis-store.ts'
import { createTokens } from '../../../orchestrator/tokens/create-tokens.ts'
import { aRepository } from '../builds/a-repository.ts'
import { startRedis } from '../real-redis.ts'
import { aBuild, aDelivery, aJob } from '../store/records.ts'

const prefix = 'test'
const now = () => new Date()
const log = pino({ level: 'silent' })
const all = { limit: 100, cursor: undefined }

async function anInstallation() {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-reindex-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const redis = server.connect()
  const data = join(folder, 'data')
  const archive = createArchive({ folder: data })
  const plain = createRedisStore({ redis, prefix })
  const hosts = createHosts({ redis, prefix, now })
  const kept = createKeptJobs({ redis, prefix })
  const parts = { redis, prefix, archive, store: plain, hosts, kept, now }
  await markIndex({ redis, prefix }, now())
  const place = { redis, prefix, dataFolder: data, keyFile: join(folder, 'secrets.key') }
  return { ...parts, data, place, parts, store: archivedStore({ store: plain, archive, now, log }) }
}

/** A build of jobs in these states, with hosts that have some. */
async function aBuildOf(
  { store }: Awaited<ReturnType<typeof anInstallation>>,
  states: Record<string, 'queued' | 'running' | 'passed' | 'blocked'>,
  concurrency?: Concurrency,
) {
  const build = aBuild()
  const jobs = Object.entries(states).map(([name, state]) => {
    const job = aJob(build.id, name, { state: state === 'blocked' ? 'blocked' : 'queued' })
    return concurrency === undefined ? job : { ...job, job: { ...job.job, concurrency } }
  })
  await store.builds.add({ ...build, jobs: jobs.map(({ id }) => id) }, jobs)
  for (const [name, state] of Object.entries(states)) {
    if (state === 'queued' || state === 'blocked') continue
    await store.jobs.claim(`${build.id}-${name}`, 'a-host')
    await store.jobs.change(`${build.id}-${name}`, ['claimed'], { state, started: now().toISOString() }, 1)
  }
  return build.id
}

it('brings back what ended, waits and runs into an emptied Redis, listed as it was', async () => {
  const world = await anInstallation()
  const { store, redis, parts, hosts } = world
  const open = await aBuildOf(world, { one: 'passed', two: 'running', three: 'queued', four: 'blocked' })
  const over = await aBuildOf(world, { only: 'passed' })
  await store.builds.update(over, { state: 'passed', ended: '2026-01-02T04:00:00.000Z' })
  const before = await Promise.all([store.builds.list({}, all), store.jobs.ofBuild(open)])

  await redis.flushall()
  expect(await reindex(parts)).toEqual({
    ...{ found: 2, builds: 2, jobs: 5, deliveries: 0, register: 0, problems: [] },
  })
  const [list, jobs] = await Promise.all([store.builds.list({}, all), store.jobs.ofBuild(open)])
  expect(list).toEqual(before[0])
  const states = jobs.map(({ name, state, claim, host }) => ({ name, state, claim, host }))
  expect(states).toEqual([
    { name: 'one', state: 'passed', claim: 1, host: 'a-host' },
    { name: 'two', state: 'running', claim: 1, host: 'a-host' },
    // A claim that nobody had time to archive can never be taken for one of those to come.
    { name: 'three', state: 'queued', claim: 1000, host: undefined },
    { name: 'four', state: 'blocked', claim: 1000, host: undefined },
  ])
  expect((await store.jobs.inState('running')).map(({ name }) => name)).toEqual(['two'])
  expect((await store.builds.list({ state: 'passed' }, all)).items.map(({ id }) => id)).toEqual([over])
  // The host that runs one has its time to be heard of.
  expect(await hosts.list()).toMatchObject([{ name: 'a-host', stale: false }])
  expect(await store.jobs.change(`${open}-two`, ['running'], { state: 'passed' }, 1)).toMatchObject({
    state: 'passed',
  })
})

it('writes over nothing that is newer, and nothing at all the second time', async () => {
  const world = await anInstallation()
  const { parts, redis, store, archive } = world
  const id = await aBuildOf(world, { one: 'running' })
  const old = await archive.read(id)
  await redis.flushall()
  await reindex(parts)
  await createRedisStore({ redis, prefix }).jobs.change(`${id}-one`, ['running'], { state: 'failed' }, 1)
  expect(await archive.read(id)).toEqual(old)
  const nothing = { found: 1, builds: 0, jobs: 0, deliveries: 0, register: 0, problems: [] }
  expect(await reindex(parts)).toEqual(nothing)
  expect(await store.jobs.get(`${id}-one`)).toMatchObject({ state: 'failed' })
})

it('gives the groups of what runs back, and no build that somebody removed', async () => {
  const world = await anInstallation()
  const { parts, redis, store } = world
  const id = await aBuildOf(world, { one: 'running' }, { group: 'deploy', cancel: false })
  const removed = await aBuildOf(world, { one: 'passed' })
  await redis.flushall()
  await redis.hset(`${prefix}:builds-removing`, removed, '[]')
  await reindex(parts)
  expect(await store.groups.take('gitea:mayfly/hello/deploy', 'another')).toBe(`${id}-one`)
  expect(await store.builds.get(removed)).toBeUndefined()
})

it('brings back accepted deliveries with bodies and verdicts, and knows a second call of the forge', async () => {
  const { parts, redis, store, data } = await anInstallation()
  const [first, second] = [aDelivery(), aDelivery()]
  await Promise.all([
    store.deliveries.record(first, Buffer.from('{"a":1}')),
    store.deliveries.record(second, Buffer.from('{}')),
  ])
  await store.deliveries.record(aDelivery({ verdict: 'refused' }), Buffer.from('no'))
  await store.deliveries.update(first.id, { verdict: 'built', builds: ['b1'] })
  const day = join(data, 'deliveries', `${new Date().toISOString().slice(0, 10)}.jsonl`)
  await writeFile(day, '{"delivery":{"id":"cut sh', { flag: 'a' })
  await store.deliveries.update(second.id, { reasons: ['after a crash'] })

  await redis.flushall()
  expect(await reindex(parts)).toMatchObject({ deliveries: 2 })
  expect(await store.deliveries.get(first.id)).toEqual({ ...first, verdict: 'built', builds: ['b1'] })
  expect(await store.deliveries.body(first.id)).toEqual(Buffer.from('{"a":1}'))
  expect(await store.deliveries.get(second.id)).toMatchObject({
    verdict: 'accepted',
    reasons: ['after a crash'],
  })
  const again = aDelivery({ forgeId: first.forgeId })
  expect(await store.deliveries.record(again, Buffer.from('{}'))).toBe(false)
  expect(await reindex(parts)).toMatchObject({ deliveries: 0 })
})

it('brings back one of the calls that a forge repeated, the one that was worked on', async () => {
  const { parts, redis, store, archive } = await anInstallation()
  const [first, again] = [aDelivery(), aDelivery()]
  await store.deliveries.record(first, Buffer.from('{}'))
  expect(await store.deliveries.record({ ...again, forgeId: first.forgeId }, Buffer.from('{}'))).toBe(false)
  // Redis never heard of the first of these, for it, or we, ended at that moment; then the forge called again.
  const [lost, counted] = [aDelivery(), aDelivery()]
  const body = gzipSync('{}').toString('base64')
  await archive.keepDeliveries([JSON.stringify({ delivery: lost, body })], new Date())
  expect(await store.deliveries.record({ ...counted, forgeId: lost.forgeId }, Buffer.from('{}'))).toBe(true)
  await store.deliveries.update(counted.id, { verdict: 'built', builds: ['b1'] })

  await redis.flushall()
  expect(await reindex(parts)).toMatchObject({ deliveries: 2 })
  expect(await store.deliveries.get(first.id)).toMatchObject({ verdict: 'accepted' })
  expect(await store.deliveries.get(counted.id)).toMatchObject({ verdict: 'built', builds: ['b1'] })
  for (const { id } of [again, lost]) expect(await store.deliveries.get(id)).toBeUndefined()
})

it('brings back what people set up, holding no secret and no token, and never what they removed', async () => {
  const { parts, redis, store, place, archive } = await anInstallation()
  const vault = await createVault(place)
  const tokens = createTokens({ redis, prefix, now })
  const optIns = createOptIns({ redis, prefix })
  const keep = createKeepRegister({ redis, prefix, archive, log })
  await store.repositories.put(aRepository())
  await vault.set('gitea:mayfly/hello', 'DEPLOY', 'a very secret value')
  const { token, text } = await tokens.make({ name: 'ann', scopes: ['read'] })
  await optIns.put('gitea:mayfly/hello', { by: 'ann', at: 'now', keys: [] })
  const cordons = createCordons({ redis, prefix })
  await cordons.put('rack-2', { by: 'ann', at: 'now' })
  await keep()
  const written = (await archive.readRegister()) ?? ''
  expect(written).toContain('gitea:mayfly/hello')
  expect(written).not.toContain('a very secret value')
  expect(written).not.toContain(text)

  await redis.flushall()
  // Whatever is asked for in between keeps nothing: an emptied Redis is not what people want.
  await keep()
  expect(await archive.readRegister()).toBe(written)
  expect(await reindex(parts)).toMatchObject({ register: 5 })
  expect(await store.repositories.list()).toEqual([JSON.parse(JSON.stringify(aRepository()))])
  expect(await (await createVault(place)).get('gitea:mayfly/hello', 'DEPLOY')).toBe('a very secret value')
  expect(await tokens.verify(text)).toMatchObject({ name: 'ann' })
  expect(await optIns.get('gitea:mayfly/hello')).toMatchObject({ by: 'ann' })
  expect(await cordons.get('rack-2')).toEqual({ by: 'ann', at: 'now' })

  await tokens.revoke(token.id)
  expect(await reindex(parts)).toMatchObject({ register: 0 })
  expect(await tokens.verify(text)).toBeUndefined()
})

it('names what it cannot read and goes on with the rest', async () => {
  const world = await anInstallation()
  await aBuildOf(world, { one: 'passed' })
  await mkdir(join(world.data, 'builds', '01jaaaaaaaaaaaaaaaaaaaaaaa'))
  await writeFile(join(world.data, 'builds', '01jaaaaaaaaaaaaaaaaaaaaaaa', 'record.json'), '{"form')
  await world.redis.flushall()
  const done = await reindex(world.parts)
  expect(done).toMatchObject({ found: 2, builds: 1 })
  expect(done.problems).toEqual([expect.stringContaining('01jaaaaaaaaaaaaaaaaaaaaaaa')])
})

it('is begun by one of the processes that find Redis empty, and the others wait for it', async () => {
  const world = await anInstallation()
  await aBuildOf(world, { one: 'queued' })
  await world.redis.flushall()
  const rebuilt: string[] = []
  const guards = ['a', 'b', 'c'].map((name) =>
    createIndexGuard({
      ...{ ...world.parts, log, every: 20 },
      onRebuilt: async () => void rebuilt.push(name),
    }),
  )
  await expect(guards[0]?.assertWhole()).rejects.toThrow('found it emptied')
  await Promise.all(guards.map((guard) => guard.ensure()))
  expect(rebuilt).toHaveLength(1)
  await guards[1]?.assertWhole()
  expect(await world.store.jobs.inState('queued')).toHaveLength(1)
})

it('is not taken for whole while Redis is empty: what is absent there is not said to be gone', async () => {
  const world = await anInstallation()
  const id = await aBuildOf(world, { one: 'queued' })
  const guard = createIndexGuard({ ...world.parts, log, every: 20, onRebuilt: async () => undefined })
  const store = wholeStore(world.store, guard)
  const tokens = wholeTokens(createTokens({ redis: world.redis, prefix, now }), guard)
  expect(await store.builds.get('nothing')).toBeUndefined()
  expect(await tokens.list()).toEqual([])
  await world.redis.flushall()
  for (const look of [
    () => store.builds.get(id),
    () => store.jobs.get(`${id}-one`),
    () => store.repositories.get('gitea:mayfly/hello'),
    () => tokens.list(),
  ])
    await expect(look()).rejects.toThrow('found it emptied')
  const watching = guard.watch()
  onTestFinished(() => watching.close())
  await expect
    .poll(() => store.jobs.get(`${id}-one`).catch(() => undefined), { timeout: 10_000 })
    .toBeDefined()
})
