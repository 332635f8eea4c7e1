import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createArchive } from '../../../orchestrator/archive/archive.ts'
import { deleteBuild, deleteJob } from '../../../orchestrator/builds/delete-build.ts'
import { createRedisStore } from '../../../orchestrator/store/redis-store.ts'
import { jobFolderPath } from '../../../runner/job/filenames.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'
import { aBuild, aJob } from '../store/records.ts'
import { httpWorld } from './http-world.ts'

const ended = '2026-01-02T03:05:00.000Z'
const admin = { scopes: ['admin'] as const }
const isThere = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined

describe('DELETE of builds and jobs', () => {
  it('AC33: of a job that has not ended answers 409 and ends nothing', async () => {
    const { ask, addJob, parts, said } = await httpWorld()
    for (const state of ['blocked', 'queued', 'claimed', 'running'] as const) {
      const { build, job, folder } = await addJob({ state }, { id: `01abc${state}`, state: 'running' })
      for (const path of [`/api/v1/jobs/${job.id}`, `/api/v1/builds/${build.id}`]) {
        const answer = await ask(path, { method: 'DELETE', ...admin })
        expect(answer.status).toBe(409)
        expect(await answer.json()).toMatchObject({ error: { hint: expect.stringContaining('/cancel') } })
      }
      expect(await parts.store.jobs.get(job.id)).toEqual(job)
      expect(await parts.store.builds.get(build.id)).toEqual(build)
      expect(await isThere(folder)).toBe(true)
    }
    expect(said).toEqual([])
  })

  it('AC33: of a build that waits for approval, or of an ended job among running ones, answers 409 too', async () => {
    const { ask, parts } = await httpWorld()
    const { store } = parts
    await store.builds.add(aBuild({ id: 'w', state: 'waiting', jobs: ['w-a'] }), [
      aJob('w', 'a', { state: 'blocked' }),
    ])
    await store.builds.add(aBuild({ id: 'r', state: 'running', jobs: ['r-a', 'r-b'] }), [
      aJob('r', 'a', { state: 'passed', ended }),
      aJob('r', 'b', { state: 'running' }),
    ])
    for (const path of ['builds/w', 'builds/r', 'jobs/r-a'])
      expect((await ask(`/api/v1/${path}`, { method: 'DELETE', ...admin })).status).toBe(409)
    expect(await store.jobs.get('r-a')).toMatchObject({ state: 'passed' })
  })

  it('AC33: of what has ended answers 204, and record, log and artifacts are gone', async () => {
    const { ask, addJob, archiveFolder, openLog } = await httpWorld()
    const { build, job, folder } = await addJob(
      { state: 'passed', ended, attempt: 2 },
      { state: 'passed', ended },
    )
    const earlier = jobFolderPath(archiveFolder, `${job.id}-1`)
    await mkdir(earlier, { recursive: true })
    await (await openLog(folder)).close()
    await mkdir(join(folder, 'artifacts'))
    await writeFile(join(folder, 'artifacts', 'report.txt'), 'fine\n')
    expect((await ask(`/api/v1/builds/${build.id}`, { method: 'DELETE', ...admin })).status).toBe(204)
    expect([await isThere(folder), await isThere(earlier)]).toEqual([false, false])
    for (const path of [
      `builds/${build.id}`,
      `jobs/${job.id}`,
      `jobs/${job.id}/log`,
      `jobs/${job.id}/artifacts`,
    ])
      expect((await ask(`/api/v1/${path}`, admin)).status).toBe(404)
    expect((await ask(`/api/v1/builds/${build.id}`, { method: 'DELETE', ...admin })).status).toBe(404)
  })

  it('is for those who may do everything', async () => {
    const { ask, addJob } = await httpWorld()
    const { job } = await addJob({ state: 'passed', ended }, { state: 'passed', ended })
    const answer = (scopes?: readonly ('read' | 'submit' | 'debug')[]) =>
      ask(`/api/v1/jobs/${job.id}`, { method: 'DELETE', ...(scopes && { scopes }) })
    expect((await answer(['read', 'submit', 'debug'])).status).toBe(403)
    expect((await answer()).status).toBe(401)
    expect((await ask(`/api/v1/jobs/${job.id}`, { method: 'DELETE', ...admin })).status).toBe(204)
  })
})

describe('POST /jobs/:job/kill', () => {
  it('AC34: tells the host that has the job, for those who may do everything', async () => {
    const { ask, addJob, parts } = await httpWorld()
    const { job } = await addJob({ state: 'running' })
    const kill = (scopes: readonly ('submit' | 'admin')[]) =>
      ask(`/api/v1/jobs/${job.id}/kill`, { method: 'POST', scopes })
    expect((await kill(['submit'])).status).toBe(403)
    expect((await parts.store.jobs.get(job.id))?.killRequested).toBeUndefined()
    const answer = await kill(['admin'])
    expect(answer.status).toBe(202)
    expect(await answer.json()).toMatchObject({ id: job.id, state: 'running' })
    expect(await parts.store.jobs.get(job.id)).toMatchObject({
      killRequested: 'admin',
      cancelRequested: 'admin',
    })
  })

  it('AC34: answers 409 where there is no machine to kill, and 404 for no job', async () => {
    const { ask, addJob } = await httpWorld()
    const kill = async (id: string) =>
      (await ask(`/api/v1/jobs/${id}/kill`, { method: 'POST', ...admin })).status
    for (const state of ['blocked', 'queued', 'passed'] as const) {
      const { job } = await addJob({ state }, { id: `01kill${state}` })
      expect(await kill(job.id)).toBe(409)
    }
    expect(await kill('unknown')).toBe(404)
  })
})

describe('deleting in Redis', () => {
  let redis: RealRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  async function finished(prefix: string) {
    const connection = redis.connect()
    const store = createRedisStore({ redis: connection, prefix })
    const archive = createArchive({ folder: (await httpWorld()).archiveFolder })
    const build = aBuild({ id: 'b', state: 'failed', ended, jobs: ['b-a', 'b-b'] })
    const jobs = [
      aJob('b', 'a', { state: 'passed', ended, attempt: 2 }),
      aJob('b', 'b', { state: 'failed', ended }),
    ]
    await store.builds.add(build, jobs)
    await archive.keep(build, jobs)
    return {
      store,
      archive,
      build,
      jobs,
      keys: async () => (await connection.keys(`${prefix}:*`)).sort(),
    }
  }

  it('leaves nothing of a build, in no index', async () => {
    const { store, archive, build, keys } = await finished('whole')
    expect(await deleteBuild({ store, archive }, build.id)).toBe('deleted')
    expect(await keys()).toEqual([])
    expect(await archive.read(build.id)).toBeUndefined()
    expect(await deleteBuild({ store, archive }, build.id)).toBeUndefined()
  })

  it('takes one job out of its build, on disk as well, and the build with the last of them', async () => {
    const { store, archive, build, jobs, keys } = await finished('one')
    expect(await deleteJob({ store, archive }, 'b-a')).toBe('deleted')
    expect(await store.builds.get('b')).toEqual({ ...build, jobs: ['b-b'] })
    expect(await store.jobs.ofBuild('b')).toEqual([jobs[1]])
    const kept = await archive.read('b')
    expect(kept?.jobs.map(({ id }) => id)).toEqual(['b-b'])
    expect(await deleteJob({ store, archive }, 'b-b')).toBe('deleted')
    expect(await keys()).toEqual([])
  })

  it('touches nothing of a build that was run again since it was read', async () => {
    const { store, archive, build, jobs } = await finished('again')
    await store.builds.update('b', { state: 'running', ended: undefined })
    await store.jobs.change('b-b', ['failed'], { state: 'queued', ended: undefined, attempt: 2 })
    expect(await store.builds.remove(build, ['b-a-1'])).toBe(false)
    expect(await store.builds.removeJob(build, jobs[0] ?? aJob('b', 'a'), [])).toBe(false)
    expect(await deleteBuild({ store, archive }, 'b')).toBe('running')
    expect(await store.jobs.get('b-b')).toMatchObject({ state: 'queued' })
  })
})
