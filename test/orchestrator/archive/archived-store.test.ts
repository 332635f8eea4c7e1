import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { createArchive } from '../../../orchestrator/archive/archive.ts'
import { archivedStore } from '../../../orchestrator/archive/archived-store.ts'
import { createRedisStore } from '../../../orchestrator/store/redis-store.ts'
import { startRedis } from '../real-redis.ts'
import { aBuild, aJob } from '../store/records.ts'

const now = () => new Date()

async function aStore() {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-archived-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const archive = createArchive({ folder })
  const plain = createRedisStore({ redis: server.connect(), prefix: 'test' })
  const log = pino({ level: 'silent' })
  return { folder, archive, plain, store: archivedStore({ store: plain, archive, now, log }) }
}

it('has a build in the archive once it is accepted, and each of its changes once it is made', async () => {
  const { archive, store, folder } = await aStore()
  const build = aBuild({ jobs: [] })
  const jobs = [aJob(build.id, 'one'), aJob(build.id, 'two')]
  const whole = { ...build, jobs: jobs.map(({ id }) => id) }
  expect(await store.builds.add(whole, jobs)).toBe(true)
  expect(await archive.read(build.id)).toMatchObject({ build: { state: 'queued' }, jobs: [{ claim: 0 }, {}] })

  await store.jobs.claim(`${build.id}-one`, 'here')
  expect((await archive.read(build.id))?.jobs[0]).toMatchObject({ state: 'claimed', claim: 1, host: 'here' })
  await store.jobs.change(`${build.id}-one`, ['claimed'], { state: 'failed', reason: 'no' }, 1)
  await store.builds.update(build.id, { approval: { by: 'ann', at: 'now', sha: 'a' } })
  expect(await archive.read(build.id)).toMatchObject({
    build: { approval: { by: 'ann' } },
    jobs: [{ state: 'failed', reason: 'no' }, { state: 'queued' }],
  })
  expect(await archive.read(build.id)).toEqual({
    format: 1,
    build: JSON.parse(JSON.stringify(await store.builds.get(build.id))),
    jobs: JSON.parse(JSON.stringify(await store.jobs.ofBuild(build.id))),
  })
  // One file for each that changed, however often it did.
  expect(await readdir(join(folder, 'builds', build.id, 'changes'))).toHaveLength(2)
})

it('keeps the newer of two changes, whichever is written last', async () => {
  const { archive } = await aStore()
  const build = aBuild({ jobs: ['x'] })
  const job = aJob(build.id, 'one')
  await archive.keep(build, [job])
  await archive.keepChange({ job: { ...job, state: 'running', revision: 12 } })
  await archive.keepChange({ job: { ...job, state: 'claimed', revision: 9 } })
  expect((await archive.read(build.id))?.jobs).toMatchObject([{ state: 'running' }])
  await archive.keep(build, [{ ...job, state: 'passed', revision: 13 }])
  expect((await archive.read(build.id))?.jobs).toMatchObject([{ state: 'passed' }])
})

it('keeps a build whole that was made before it was kept at all, and none that is gone', async () => {
  const { archive, store, plain } = await aStore()
  const build = aBuild({ jobs: ['x'] })
  const job = aJob(build.id, 'one')
  await plain.builds.add({ ...build, jobs: [job.id] }, [job])
  await store.jobs.claim(job.id, 'here')
  expect((await archive.read(build.id))?.jobs).toMatchObject([{ state: 'claimed' }])
  expect(await archive.keepChange({ job: aJob('01jaaaaaaaaaaaaaaaaaaaaaaa', 'one') })).toBe(false)
  expect(await archive.read('01jaaaaaaaaaaaaaaaaaaaaaaa')).toBeUndefined()
})

it('lets a change stand that the archive cannot take, and writes nothing for why a job waits', async () => {
  const { archive, plain, store, folder } = await aStore()
  const build = aBuild()
  const job = aJob(build.id, 'one')
  await store.builds.add({ ...build, jobs: [job.id] }, [job])
  await store.jobs.change(job.id, ['queued'], { waiting: 'for room' })
  expect(await readdir(join(folder, 'builds', build.id))).toEqual(['record.json'])
  const full = { ...archive, keepChange: () => Promise.reject(new Error('ENOSPC')) }
  const warned: unknown[] = []
  const log = { warn: (...words: unknown[]) => void warned.push(words) }
  const unlucky = archivedStore({ store: plain, archive: full, now, log })
  expect(await unlucky.jobs.claim(job.id, 'here')).toMatchObject({ state: 'claimed' })
  expect(warned).toHaveLength(1)
})
