import { Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createJobQueue, type JobQueue } from '../../../orchestrator/queue/job-queue.ts'
import type { LineJob, Share } from '../../../orchestrator/queue/line-job.ts'
import { type JobIds, lineOf } from '../../../orchestrator/queue/queue-names.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'
import { aLineJob } from './a-line-job.ts'

let server: RealRedis
let redis: Redis
let queue: JobQueue
let shares: Map<string, Share>
let workers: { close(force: boolean): Promise<void> }[]

beforeEach(async () => {
  server = await startRedis()
  redis = server.connect()
  shares = new Map()
  workers = []
  const shareOf = async (repository: string) => shares.get(repository) ?? { weight: 1, mayRun: true }
  queue = createJobQueue({ connection: redis, prefix: 'test', shareOf })
})

afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.close(true)))
  await queue.close()
  await server.stop()
})

const of = (repository: string, count: number, other: Partial<LineJob> = {}): LineJob[] =>
  Array.from({ length: count }, (_, index) => aLineJob(`${repository}${index}`, { repository, ...other }))

async function addAll(jobs: readonly LineJob[]): Promise<void> {
  for (const job of jobs) await queue.add(job)
}

/** A host that takes jobs of one line and is done with each at once. */
function aHost(line = lineOf()) {
  const worker = new Worker<JobIds, void, 'job'>(line, null, {
    connection: redis,
    prefix: 'test',
    autorun: false,
  })
  workers.push(worker)
  return {
    take: async (how: { says: boolean } = { says: true }) => {
      const job = await worker.getNextJob('token', { block: false })
      if (job === undefined) return undefined
      if (how.says) await queue.taken({ line, name: job.id ?? '', repository: job.data.repository ?? '' })
      await job.moveToCompleted(undefined, 'token', false)
      return job.data.id
    },
  }
}

async function takeAll({ take }: ReturnType<typeof aHost>): Promise<string[]> {
  const taken: string[] = []
  for (let id = await take(); id !== undefined; id = await take()) taken.push(id)
  return taken
}

const repositoriesOf = (ids: readonly string[]) => ids.map((id) => id.replace(/\d+$/, '')).join('')
const keysOfLanes = async () => (await redis.keys('test:line:*')).filter((key) => !key.endsWith(':times'))

describe('the lanes of repositories', () => {
  it('let one with few jobs pass the flood of another, whoever came first', async () => {
    await addAll([...of('flood', 40), ...of('few', 3)])
    const taken = await takeAll(aHost())
    expect(taken).toHaveLength(43)
    expect(repositoriesOf(taken.slice(0, 7))).toBe('flood few flood few flood few flood'.replaceAll(' ', ''))
  })

  it('give each the machine time that its weight says, also where its jobs ask for more cpus', async () => {
    shares.set('heavy', { weight: 3, mayRun: true })
    await addAll([...of('light', 60), ...of('heavy', 60), ...of('wide', 60, { resources: { cpus: 4 } })])
    const taken = repositoriesOf((await takeAll(aHost())).slice(0, 51))
    const counted = (name: string) => taken.split(name).length - 1
    // 3 to 1 to a quarter: 36, 12 and 3 of 51.
    expect(counted('heavy')).toBeGreaterThanOrEqual(34)
    expect(counted('light')).toBeGreaterThanOrEqual(11)
    expect(counted('light')).toBeLessThanOrEqual(13)
    expect(counted('wide')).toBeLessThanOrEqual(5)
  })

  it('count a job for as long as those of its repository usually take', async () => {
    await queue.took({ line: lineOf(), repository: 'long' }, 300)
    await queue.took({ line: lineOf(), repository: 'short' }, 30)
    await addAll([...of('long', 20), ...of('short', 40)])
    const taken = repositoriesOf((await takeAll(aHost())).slice(0, 22))
    expect(taken.split('long').length - 1).toBe(2)
  })

  it('save up nothing for a repository that had nothing to run', async () => {
    const host = aHost()
    await addAll(of('busy', 60))
    for (let taken = 0; taken < 30; taken++) await host.take()
    await addAll(of('idle', 30))
    const taken = repositoriesOf(await takeAll(host))
    expect(taken.slice(0, 'busyidle'.length * 5).split('busy').length - 1).toBeGreaterThanOrEqual(5)
  })

  it('keep the priorities of one repository within it, and the next by priority is next also where it came last', async () => {
    await addAll([
      ...of('a', 3, { priority: 5 }),
      ...of('b', 2, { priority: 5 }),
      aLineJob('a-urgent', { repository: 'a', priority: 0 }),
    ])
    const ofA = (ids: readonly string[]) => ids.filter((id) => id.startsWith('a'))
    const inLine = await queue.waiting(10)
    expect(inLine.slice(0, 2)).toEqual(['b0', 'a-urgent'])
    const taken = await takeAll(aHost())
    expect(taken).toHaveLength(6)
    for (const ids of [inLine, taken]) expect(ofA(ids)).toEqual(['a-urgent', 'a0', 'a1', 'a2'])
  })

  it('offer no job of a repository that may run none, and go on when it may', async () => {
    shares.set('full', { weight: 1, mayRun: false })
    await addAll([...of('full', 2), ...of('free', 1)])
    const host = aHost()
    expect(await takeAll(host)).toEqual(['free0'])
    expect(await queue.waiting(10)).toEqual(['full0', 'full1'])
    shares.delete('full')
    await queue.advance('full')
    expect(await takeAll(host)).toEqual(['full0', 'full1'])
  })

  it('give a job out once, also where it is added, taken out and added again while others wait', async () => {
    const jobs = of('one', 5)
    await addAll([...jobs, ...jobs])
    expect(await Promise.all(jobs.slice(0, 2).map((job) => queue.remove(job)))).toEqual([true, true])
    expect(await queue.remove(jobs[0] as LineJob)).toBe(false)
    await queue.add(jobs[0] as LineJob)
    expect(await takeAll(aHost())).toEqual(['one2', 'one3', 'one4', 'one0'])
    expect(await keysOfLanes()).toEqual([])
  })

  it('go on after a host that took a job and died before it said so, and one that died before it offered', async () => {
    await addAll([...of('a', 3), ...of('b', 2)])
    const host = aHost()
    await host.take({ says: false })
    await host.take({ says: false })
    expect(await host.take()).toBeUndefined()
    await queue.tend()
    expect((await takeAll(host)).sort()).toEqual(expect.arrayContaining(['a1', 'a2', 'b1']))

    await addAll(of('c', 2))
    // As if whoever put it in line had been killed before BullMQ had it.
    await redis.del('test:jobs:c0-1')
    await redis.zrem('test:jobs:prioritized', 'c0-1')
    await queue.tend()
    expect(await takeAll(host)).toEqual(['c0', 'c1'])
    expect(await keysOfLanes()).toEqual([])
  })

  it('keep their order when all that was ever charged is more than BullMQ can count', async () => {
    for (const repository of ['x', 'y', 'z']) await queue.took({ line: lineOf(), repository }, 3600)
    const wide = { resources: { cpus: 8 } }
    await addAll([...of('x', 20, wide), ...of('y', 20, wide), ...of('z', 20, wide)])
    const taken = repositoriesOf(await takeAll(aHost()))
    expect(taken).toMatch(/^(?:xyz|xzy|yxz|yzx|zxy|zyx){20}$/)
  })

  it('are apart for jobs that ask for other hosts, and a line is no more when nobody waits in it', async () => {
    await addAll([...of('a', 2), ...of('a', 1, { id: 'wants-gpu', runsOn: ['gpu', 'kvm'] })])
    expect(await queue.lines()).toEqual(['jobs', 'jobs+gpu+kvm'])
    expect((await queue.waiting(10)).sort()).toEqual(['a0', 'a1', 'wants-gpu'])
    await queue.tend()
    expect(await queue.lines()).toEqual(['jobs', 'jobs+gpu+kvm'])
    expect(await takeAll(aHost('jobs+gpu+kvm'))).toEqual(['wants-gpu'])
    expect(await takeAll(aHost())).toEqual(['a0', 'a1'])
    await queue.tend()
    expect(await queue.lines()).toEqual(['jobs'])
  })
})
