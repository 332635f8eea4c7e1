import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Archive } from '../../../../orchestrator/archive/archive.ts'
import { createS3Archive } from '../../../../orchestrator/archive/s3/s3-archive.ts'
import { createS3Store } from '../../../../orchestrator/archive/s3/s3-store.ts'
import { createWaitingObjects } from '../../../../orchestrator/archive/s3/waiting-objects.ts'
import { keptLog } from '../../kept-log.ts'
import { aBuild, aJob } from '../../store/records.ts'
import { until } from '../../until.ts'
import { useS3Server } from './start-s3-server.ts'

const s3 = useS3Server()

/** What one host has of an archive; each call is another host. */
async function aHost() {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-s3-host-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const store = createS3Store(s3.bucket)
  const waiting = createWaitingObjects({
    ...{ store, folder: join(folder, 'waiting'), log: keptLog().log },
    times: { patience: 3000, every: 200 },
  })
  const kept = () => readdir(join(folder, 'waiting')).catch(() => [])
  return { folder, store, waiting, kept, archive: createS3Archive({ store, waiting, folder }) }
}

async function linesOf(archive: Archive): Promise<string[]> {
  const lines: string[] = []
  for await (const line of archive.deliveries()) lines.push(line)
  return lines
}

describe('createS3Archive', () => {
  it('gives every host what somebody submitted to one of them, the newest first, until it is removed', async () => {
    const [web, worker] = [await aHost(), await aHost()]
    const file = join(web.folder, 'bundle')
    // More than is read at once.
    const large = randomBytes(9 * 2 ** 20)
    const [first, second] = [
      { id: '01first', sha: 'a'.repeat(40), bytes: large.length },
      { id: '01second', sha: 'b'.repeat(40), bytes: 5 },
    ]
    await writeFile(file, large)
    await web.archive.keepSubmission('local:ann/engine', first, file)
    await writeFile(file, 'small')
    await web.archive.keepSubmission('local:ann/engine', second, file)
    await web.archive.keepSubmission('local:ann/engine-2', second, file)

    expect((await worker.archive.submittedTo()).sort()).toEqual(['local:ann/engine', 'local:ann/engine-2'])
    expect(await worker.archive.submissions('local:ann/engine')).toEqual([second, first])
    const brought = join(worker.folder, 'brought')
    expect(await worker.archive.bringSubmission('local:ann/engine', first, brought)).toBe(true)
    expect(large.equals(await readFile(brought))).toBe(true)
    await worker.archive.removeSubmission('local:ann/engine', first)
    expect(await web.archive.submissions('local:ann/engine')).toEqual([second])
    const gone = join(worker.folder, 'gone')
    expect(await web.archive.bringSubmission('local:ann/engine', first, gone)).toBe(false)
  })

  it('gives every host what one of them kept: a build with the newest of each change, and what others were told', async () => {
    const { archive } = await aHost()
    const build = aBuild({ id: '01abc' })
    const job = aJob(build.id, 'main', { state: 'queued' })
    expect(await archive.keepChange({ job: { ...job, revision: 1 } })).toBe(false)
    await archive.noteTold(build.id, 'status mayfly/main', 'pending')
    await archive.keep(build, [job])
    expect(await archive.keepChange({ job: { ...job, state: 'passed', revision: 10 } })).toBe(true)
    expect(await archive.keepChange({ job: { ...job, state: 'running', revision: 9 } })).toBe(true)
    expect(await archive.keepChange({ build: { ...build, state: 'passed', revision: 2 } })).toBe(true)
    await archive.noteTold(build.id, 'status mayfly/main', 'running')
    await archive.noteTold(build.id, 'status mayfly/main', 'passed')

    const { archive: other } = await aHost()
    expect(await other.builds()).toEqual([build.id])
    expect(await other.read(build.id)).toMatchObject({
      format: 1,
      build: { state: 'passed' },
      jobs: [{ id: job.id, state: 'passed', revision: 10 }],
    })
    expect(await other.told(build.id)).toEqual(new Map([['status mayfly/main', 'passed']]))
    await other.remove(build.id, [])
    expect([await archive.read(build.id), await archive.builds()]).toEqual([undefined, []])
  })

  it('keeps deliveries in their order, removes days that are over, and has one register', async () => {
    const { archive } = await aHost()
    const { archive: other } = await aHost()
    await archive.keepDeliveries(['old'], new Date('2026-01-01T23:59:00Z'))
    await archive.keepDeliveries(['one', 'two'], new Date('2026-01-02T00:00:00Z'))
    await new Promise((resolve) => setTimeout(resolve, 5))
    await other.keepDeliveries(['three'], new Date('2026-01-02T00:00:01Z'))
    expect(await linesOf(other)).toEqual(['old', 'one', 'two', 'three'])
    await archive.trimDeliveries(new Date('2026-01-02T12:00:00Z'))
    expect(await linesOf(other)).toEqual(['one', 'two', 'three'])
    expect(await archive.readRegister()).toBeUndefined()
    await archive.keepRegister('{"a":1}')
    await archive.keepRegister('{"a":2}')
    expect(await other.readRegister()).toBe('{"a":2}')
  })

  it('keeps on the host what a storage that is away does not take, reads it, and brings it when it is back, in order', async () => {
    const { archive, kept, waiting } = await aHost()
    const build = aBuild({ id: '01abc' })
    const job = aJob(build.id, 'main')
    await s3.server.stop()
    await archive.keep(build, [job])
    await archive.keep({ ...build, state: 'running' }, [job])
    expect(await archive.keepChange({ job: { ...job, state: 'running', revision: 3 } })).toBe(true)
    await archive.keepDeliveries(['a call'], new Date('2026-01-02T00:00:00Z'))
    expect(await kept()).toHaveLength(4)
    const delivering = waiting.start()
    onTestFinished(() => delivering.close())
    await s3.server.start()
    await until('everything is in the bucket', async () => (await kept()).length === 0)

    const { archive: other } = await aHost()
    expect(await other.read(build.id)).toMatchObject({
      build: { state: 'running' },
      jobs: [{ state: 'running' }],
    })
    expect(await linesOf(other)).toEqual(['a call'])
  })
})
