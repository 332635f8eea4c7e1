import { access, appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createBucketFiles } from '../../../../orchestrator/archive/s3/bucket-files.ts'
import { createS3Archive } from '../../../../orchestrator/archive/s3/s3-archive.ts'
import { createS3Store } from '../../../../orchestrator/archive/s3/s3-store.ts'
import { shipAttempts } from '../../../../orchestrator/archive/s3/ship-attempts.ts'
import { createWaitingObjects } from '../../../../orchestrator/archive/s3/waiting-objects.ts'
import type { BuildJob } from '../../../../orchestrator/model/build.ts'
import { countLines } from '../../../../orchestrator/pages/log-lines.ts'
import { findLine } from '../../../../runner/logs/find-line.ts'
import { LogFile } from '../../../../runner/logs/log-file.ts'
import { httpWorld } from '../../http/http-world.ts'
import { keptLog } from '../../kept-log.ts'
import { aJob } from '../../store/records.ts'
import { until } from '../../until.ts'
import { useS3Server } from './start-s3-server.ts'

const s3 = useS3Server()

const hostName = 'builder-7'

/** A host that ships, with one job that it runs. */
async function aHost(change: Partial<BuildJob> = {}) {
  const folder = await aFolder()
  const jobs = new Map<string, BuildJob>()
  const put = (next: Partial<BuildJob>) => {
    const job = { ...(jobs.get('01abc-main') ?? aJob('01abc', 'main')), ...next }
    jobs.set(job.id, job)
    return job
  }
  const job = put({ state: 'running', host: hostName, ...change })
  const attempt = `${job.id}-${job.attempt}`
  const path = join(folder, 'jobs', attempt)
  await mkdir(path, { recursive: true })
  const store = createS3Store(s3.bucket)
  const { log, lines } = keptLog()
  let looks = 0
  const get = async (id: string) => {
    looks += 1
    return jobs.get(id)
  }
  const shipping = shipAttempts({
    ...{ bucket: store, store: { jobs: { get } }, folder, hostName, log },
    now: () => new Date(),
    times: { every: 50, linger: 0 },
  })
  onTestFinished(() => shipping.close())
  return { folder, path, put, job, attempt, store, logged: lines, looks: () => looks }
}

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-ship-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The archive as another host has it, on whose disk there is nothing. */
async function elsewhere() {
  const store = createS3Store(s3.bucket)
  const folder = await aFolder()
  const waiting = createWaitingObjects({ store, folder: join(folder, 'waiting'), log: keptLog().log })
  return createS3Archive({ store, waiting, folder })
}

const isGone = (path: string) =>
  access(path).then(
    () => false,
    () => true,
  )
const ended = () => new Date(Date.now() - 1000).toISOString()

describe('shipAttempts', () => {
  it('lets another host read a log while its job runs, byte for byte and by line, beyond one piece', async () => {
    const { path, attempt, store } = await aHost()
    const log = await LogFile.open({ folder: path, name: 'log' })
    const line = (number: number) => `line ${number} ${'x'.repeat(100)}\n`
    let whole = ''
    const add = async (from: number, to: number) => {
      const more = Array.from({ length: to - from }, (_, index) => line(from + index)).join('')
      whole += more
      await log.append(Buffer.from(more), from)
      await log.flush()
    }
    await add(1, 10)
    const files = createBucketFiles({ store, freshMs: 0 })(attempt)
    await until('the beginning is there', async () => (await files.size('log')) === whole.length)
    expect(await text(files.stream('log', { start: 0 }))).toBe(whole)
    await add(10, 25_000)
    await until('the rest is there', async () => (await files.size('log')) === whole.length)
    expect((await files.read('log', { start: 0 })).equals(Buffer.from(whole))).toBe(true)
    const border = 2 ** 20
    expect(String(await files.read('log', { start: border - 9, end: border + 9 }))).toBe(
      whole.slice(border - 9, border + 9),
    )
    const where = await findLine({ files, name: 'log', line: 20_000 })
    expect(where).toBe(whole.indexOf('line 20000 '))
    let asked = 0
    const get: typeof store.get = (...span) => {
      asked += 1
      return store.get(...span)
    }
    const page = createBucketFiles({ store: { ...store, get } })(attempt)
    expect(await countLines({ files: page, name: 'log' })).toBe(24_999)
    expect(asked).toBeLessThan(10)
    expect(await files.isComplete()).toBe(false)
    await log.close()
  })

  it('brings all of an attempt when its job has ended, says so, and takes its folder away', async () => {
    const { path, put, attempt } = await aHost()
    await appendFile(join(path, 'log'), 'begun\n')
    const files = (await elsewhere()).files(attempt)
    await until('it has begun', async () => (await files.size('log')) === 6)
    await mkdir(join(path, 'artifacts', 'deep'), { recursive: true })
    await writeFile(join(path, 'artifacts', 'deep', 'report.txt'), 'fine')
    await appendFile(join(path, 'log'), 'done\n')
    await writeFile(join(path, 'record.json'), '{"verdict":"passed"}')
    put({ state: 'passed', ended: ended() })
    await until('its folder is gone', () => isGone(path))
    expect(await files.isComplete()).toBe(true)
    expect(await text(files.stream('log', { start: 0 }))).toBe('begun\ndone\n')
    expect(await files.list('artifacts')).toEqual([{ path: 'deep/report.txt', bytes: 4 }])
    expect(JSON.parse(String(await files.read('record.json', { start: 0 })))).toEqual({ verdict: 'passed' })
    const store = createS3Store(s3.bucket)
    for await (const { key } of store.list('live/')) expect.unreachable(`left: ${key}`)

    const archive = await elsewhere()
    await archive.removeLogs([attempt])
    await archive.removeArtifacts([attempt])
    const left = (await elsewhere()).files(attempt)
    expect([await left.isThere('log'), await left.isThere('artifacts')]).toEqual([false, false])
    expect(await left.isThere('record.json')).toBe(true)
  })

  it('says of a job without artifacts that it has none, and not that they were removed', async () => {
    const { path, put, attempt } = await aHost()
    await writeFile(join(path, 'record.json'), '{}')
    put({ state: 'passed', ended: ended() })
    await until('its folder is gone', () => isGone(path))
    const files = (await elsewhere()).files(attempt)
    expect([await files.isThere('artifacts'), await files.list('artifacts')]).toEqual([true, []])
  })

  it('keeps the folder of a parked machine, and leaves what is not its own and runs of this computer alone', async () => {
    const { folder, path, attempt, put, looks } = await aHost()
    const local = join(folder, 'jobs', 'local-20260101-000000-abcd-main')
    await mkdir(local)
    await writeFile(join(local, 'log'), 'mine')
    await mkdir(join(path, 'parked'))
    await writeFile(join(path, 'parked', 'memory'), 'frozen')
    await writeFile(join(path, 'log'), 'failed\n')
    put({
      state: 'failed',
      ended: ended(),
      hold: { state: 'parked', until: new Date(Date.now() + 60_000).toISOString() } as BuildJob['hold'],
    })
    const files = (await elsewhere()).files(attempt)
    await until('it is there', () => files.isComplete())
    const before = looks()
    await until('it was looked again', () => looks() > before + 2)
    const store = createS3Store(s3.bucket)
    const keys: string[] = []
    for await (const { key } of store.list('')) keys.push(key)
    expect(keys.filter((key) => /parked|local-/.test(key))).toEqual([])
    expect([await isGone(join(path, 'parked')), await isGone(local)]).toEqual([false, false])
    put({ hold: undefined })
    await until('its folder is gone', () => isGone(path))
    expect(await isGone(local)).toBe(false)
  })

  it('has a job begin anew in the bucket as well', async () => {
    const { path, attempt, store } = await aHost()
    await writeFile(join(path, 'log'), 'the first time, which was longer\n')
    const files = createBucketFiles({ store, freshMs: 0 })(attempt)
    await until('it has begun', async () => (await files.size('log')) === 33)
    await writeFile(join(path, 'log'), 'anew\n')
    await until('it begins anew', async () => (await files.size('log')) === 5)
    expect(String(await files.read('log', { start: 0 }))).toBe('anew\n')
  })

  it('keeps what an attempt left while the storage is away, and brings it when it is back', async () => {
    const { path, put, attempt, logged } = await aHost()
    await s3.server.stop()
    await writeFile(join(path, 'log'), 'while it was away\n')
    put({ state: 'passed', ended: ended() })
    await until('it was tried', () => logged().includes('brought to the bucket later'))
    expect(await isGone(path)).toBe(false)
    await s3.server.start()
    await until('its folder is gone', () => isGone(path))
    const files = (await elsewhere()).files(attempt)
    expect(String(await files.read('log', { start: 0 }))).toBe('while it was away\n')
  })

  it('lets a web process on another host follow a log to its very end, which may come after the verdict', async () => {
    const world = await httpWorld({ archive: await elsewhere() })
    const { job } = await world.addJob({ state: 'running', host: hostName, started: ended() })
    await rm(world.archiveFolder, { recursive: true })
    const host = await aHost({ id: job.id, attempt: job.attempt })
    const path = join(host.folder, 'jobs', `${job.id}-${job.attempt}`)
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'log'), 'first\n')
    const base = `/api/v1/jobs/${job.id}/log`
    await until('the beginning is read elsewhere', async () => {
      return (await (await world.ask(base, { scopes: ['read'] })).text()) === 'first\n'
    })
    const following = await world.ask(`${base}/follow`, { scopes: ['read'] })
    await world.parts.store.jobs.change(job.id, ['running'], { state: 'passed', ended: ended() })
    await new Promise((resolve) => setTimeout(resolve, 1500))
    await appendFile(join(path, 'log'), 'last\n')
    host.put({ id: job.id, state: 'passed', ended: ended() })
    const told = await following.text()
    expect(told).toContain('first')
    expect(told).toContain('last')
    expect(told).toContain('event: end')
  })
})
