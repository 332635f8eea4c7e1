import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HostStopping, LockLost } from '../../../orchestrator/queue/abort-causes.ts'
import { createJobQueue, type JobQueue } from '../../../orchestrator/queue/job-queue.ts'
import { takeJobs } from '../../../orchestrator/queue/take-jobs.ts'
import type { JobTaker, TakenJob, TakeOrder } from '../../../orchestrator/queue/take-order.ts'
import { createRedisStore } from '../../../orchestrator/store/redis-store.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'
import { aBuild, aJob } from '../store/records.ts'
import { aLineJob } from './a-line-job.ts'

const log = pino({ level: 'silent' })
const gib = 2 ** 30
const quick = { lock: 1200, stalledCheck: 200, stalls: 2, hold: 300, elsewhere: 100 }
let server: RealRedis
let queue: JobQueue
let takers: JobTaker[]

beforeEach(async () => {
  server = await startRedis()
  queue = createJobQueue({ connection: server.connect(), prefix: 'test' })
  takers = []
})

afterEach(async () => {
  await Promise.all(takers.map((taker) => taker.stop({ graceMs: 0 })))
  await queue.close()
  await server.stop()
})

function take(order: Partial<TakeOrder> & Pick<TakeOrder, 'run'>): JobTaker {
  const taker = takeJobs({
    connection: server.connect(),
    prefix: 'test',
    queue,
    hostName: 'here',
    capacity: { cpus: 4, memory: 8 * gib },
    needs: async () => ({ cpus: 1, memory: gib }),
    onPoison: async (id) => {
      throw new Error(`expected no poison, got ${id}`)
    },
    onMisfit: async (id) => {
      throw new Error(`expected no misfit, got ${id}`)
    },
    log,
    timing: quick,
    ...order,
  })
  takers.push(taker)
  return taker
}

/** Runs that last until the test ends them. */
function held() {
  const begun: TakenJob[] = []
  const ends = new Map<string, () => void>()
  const run = (job: TakenJob) =>
    new Promise<'ended' | 'put-back'>((resolve) => {
      begun.push(job)
      ends.set(job.id, () => resolve('ended'))
      job.signal.addEventListener('abort', () => resolve('put-back'))
    })
  return { begun, run, ids: () => begun.map(({ id }) => id), end: (id: string) => ends.get(id)?.() }
}

const add = (id: string, priority = 0) => queue.add(aLineJob(id, { priority }))
const eventually = { timeout: 10_000, interval: 10 }
/** Jobs that BullMQ knows, in whichever line. */
const linesLeft = async () => (await server.connect().keys('test:jobs*')).filter((key) => /-1$/.test(key))
const keysLeft = async () => (await server.connect().keys('test:jobs:*-1')).sort()

describe('takeJobs', () => {
  it('runs what is in line, in order, and leaves nothing of it in Redis', async () => {
    const ran: string[] = []
    for (const id of ['a', 'b', 'c']) await add(id)
    take({
      capacity: { cpus: 1, memory: gib },
      run: async ({ id, attempt, redelivered }) => {
        ran.push(`${id} ${attempt} ${redelivered}`)
        return 'ended'
      },
    })
    await vi.waitFor(() => expect(ran).toEqual(['a 1 false', 'b 1 false', 'c 1 false']), eventually)
    await vi.waitFor(async () => expect(await keysLeft()).toEqual([]), eventually)
  })

  it('runs as many at once as fit by cpus and memory, and takes no further while it is full', async () => {
    const { run, ids, end } = held()
    const needs = async (id: string) => ({ cpus: 1, memory: (id === 'big' ? 3 : 1) * gib })
    for (const id of ['one', 'two', 'big', 'late']) await add(id)
    const waits: string[] = []
    const taker = take({
      capacity: { cpus: 3, memory: 4 * gib },
      needs,
      run,
      onWaiting: async (id, reason) => void waits.push(`${id} ${reason}`),
    })
    await vi.waitFor(() => expect(waits[0]).toBe('big needs 3 GiB of memory, 2 GiB are free'), eventually)
    await sleep(100)
    expect(ids()).toEqual(['one', 'two'])
    expect(taker.free()).toEqual({ cpus: 1, memory: 2 * gib })
    end('one')
    await vi.waitFor(() => expect(ids()).toEqual(['one', 'two', 'big']), eventually)
    expect(taker.running()).toEqual(['two', 'big'])
    end('two')
    await vi.waitFor(() => expect(ids()).toEqual(['one', 'two', 'big', 'late']), eventually)
  })

  it('hands the first in line to another host when there is no room here for long', async () => {
    const [full, other] = [held(), held()]
    await add('one')
    take({
      capacity: { cpus: 2, memory: 8 * gib },
      needs: async () => ({ cpus: 2, memory: gib }),
      run: full.run,
    })
    await vi.waitFor(() => expect(full.ids()).toEqual(['one']), eventually)
    await add('two')
    take({ run: other.run })
    await vi.waitFor(() => expect(other.ids()).toEqual(['two']), eventually)
  })

  it('reports a job that can never fit here, and goes on with the others', async () => {
    const misfits: string[] = []
    const ran: string[] = []
    for (const id of ['huge', 'small']) await add(id)
    take({
      needs: async (id) => ({ cpus: id === 'huge' ? 64 : 1, memory: gib }),
      onMisfit: async (id, reason) => {
        misfits.push(`${id} ${reason}`)
        return misfits.length < 3 ? 'put-back' : 'ended'
      },
      run: async ({ id }) => {
        ran.push(id)
        return 'ended'
      },
    })
    await vi.waitFor(() => expect(ran).toEqual(['small']), eventually)
    await vi.waitFor(
      () => expect(misfits).toEqual(Array(3).fill('huge needs 64 cpus, this host has 4')),
      eventually,
    )
    await vi.waitFor(async () => expect(await keysLeft()).toEqual([]), eventually)
  })

  it('leaves a job that nobody who is there can take for longer, without counting that as a try', async () => {
    const looks: number[] = []
    await add('huge')
    take({
      timing: { ...quick, elsewhere: 10, later: 400 },
      needs: async () => ({ cpus: 64, memory: gib }),
      onMisfit: async () => {
        looks.push(performance.now())
        return looks.length < 6 ? 'later' : 'ended'
      },
      run: async () => 'ended',
    })
    await vi.waitFor(() => expect(looks).toHaveLength(6), eventually)
    for (const [index, at] of looks.slice(1).entries())
      expect(at - (looks[index] ?? 0)).toBeGreaterThanOrEqual(390)
    await vi.waitFor(async () => expect(await keysLeft()).toEqual([]), eventually)
  })

  it('drops a job that the store knows nothing of', async () => {
    await add('unknown')
    await add('known')
    const { run, ids } = held()
    take({ needs: async (id) => (id === 'known' ? { cpus: 1, memory: gib } : undefined), run })
    await vi.waitFor(() => expect(ids()).toEqual(['known']), eventually)
    expect(await keysLeft()).toEqual(['test:jobs:known-1'])
  })

  it('keeps a long job for as long as it runs', async () => {
    const { run, begun, ids, end } = held()
    await add('long')
    take({ run })
    take({ run })
    await sleep(3500)
    expect(ids()).toEqual(['long'])
    expect(begun[0]?.signal.aborted).toBe(false)
    end('long')
    await vi.waitFor(async () => expect(await keysLeft()).toEqual([]), eventually)
  })

  it('aborts a run whose job was given to somebody else, and leaves the job to them', async () => {
    const { run, begun } = held()
    await add('taken')
    take({ run })
    await vi.waitFor(() => expect(begun).toHaveLength(1), eventually)
    const redis = server.connect()
    await redis.set('test:jobs:taken-1:lock', 'somebody else', 'PX', 60_000)
    await vi.waitFor(() => expect(begun[0]?.signal.reason).toBeInstanceOf(LockLost), eventually)
    await sleep(100)
    expect(await redis.get('test:jobs:taken-1:lock')).toBe('somebody else')
    expect(await keysLeft()).toEqual(['test:jobs:taken-1'])
  })

  it('takes up its lock again when it ran out and nobody else came', async () => {
    const { run, begun, end } = held()
    await add('slept')
    take({ run, timing: { ...quick, stalledCheck: 60_000 } })
    await vi.waitFor(() => expect(begun).toHaveLength(1), eventually)
    const redis = server.connect()
    await redis.del('test:jobs:slept-1:lock')
    await vi.waitFor(async () => expect(await redis.exists('test:jobs:slept-1:lock')).toBe(1), eventually)
    expect(begun[0]?.signal.aborted).toBe(false)
    end('slept')
    await vi.waitFor(async () => expect(await keysLeft()).toEqual([]), eventually)
  })

  it('tries a job again when a run throws, three times in all, then reports it as poison', async () => {
    const poison: string[] = []
    const ran: string[] = []
    await add('bad')
    await add('good')
    take({
      run: async ({ id }) => {
        ran.push(id)
        if (id === 'bad') throw new Error('out of luck')
        return 'ended'
      },
      onPoison: async (id, reason) => void poison.push(`${id}: ${reason}`),
    })
    await vi.waitFor(() => expect(poison).toEqual(['bad: out of luck']), eventually)
    expect(ran.filter((id) => id === 'bad')).toHaveLength(3)
    expect(ran).toContain('good')
    await vi.waitFor(async () => expect(await keysLeft()).toEqual([]), eventually)
  })

  it('gives the job of a killed host to another, and one that kills each host is poison', async () => {
    await add('killer')
    for (let host = 0; host < 3; host++) {
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', join(import.meta.dirname, 'host-child.ts'), server.socket],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      )
      const [said] = await once(child.stdout, 'data')
      expect(String(said)).toBe(`killer ${host > 0}\n`)
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }
    const poison: string[] = []
    take({
      run: async () => {
        throw new Error('expected it not to run again')
      },
      onPoison: async (id, reason) => void poison.push(`${id}: ${reason}`),
    })
    await vi.waitFor(
      () => expect(poison).toEqual(['killer: job stalled more than allowable limit']),
      eventually,
    )
    await vi.waitFor(async () => expect(await keysLeft()).toEqual([]), eventually)
  }, 60_000)

  it('lets runs end within the grace, takes nothing new, and leaves the line as it is', async () => {
    const { run, ids, end } = held()
    await add('first')
    const taker = take({ capacity: { cpus: 1, memory: gib }, run })
    await vi.waitFor(() => expect(ids()).toEqual(['first']), eventually)
    await add('second')
    const stopped = taker.stop({ graceMs: 60_000 })
    await sleep(100)
    end('first')
    await stopped
    expect(ids()).toEqual(['first'])
    expect(await queue.waiting(10)).toEqual(['second'])
  })

  it('aborts what has not ended within the grace, which is first in line afterwards', async () => {
    const { run, begun, ids } = held()
    await add('first', 7)
    await add('second', 7)
    const taker = take({ capacity: { cpus: 1, memory: gib }, run })
    await vi.waitFor(() => expect(ids()).toEqual(['first']), eventually)
    await taker.stop({ graceMs: 50 })
    expect(begun[0]?.signal.reason).toBeInstanceOf(HostStopping)
    expect(await queue.waiting(10)).toEqual(['first', 'second'])
  })

  it('neither waits for what stays behind nor aborts it, also where it comes to that within the grace', async () => {
    const { run, begun, ids } = held()
    for (const id of ['first', 'second']) await add(id)
    const taker = take({ run })
    await vi.waitFor(() => expect(ids()).toEqual(['first', 'second']), eventually)
    const staying = new Set(['first'])
    const stopped = taker.stop({ graceMs: 60_000, staysBehind: (id) => staying.has(id) })
    await sleep(300)
    staying.add('second')
    await stopped
    expect(begun.map(({ signal }) => signal.aborted)).toEqual([false, false])
    expect(taker.running()).toEqual(['first', 'second'])
  })

  it('aborts what does not stay behind, and nothing else', async () => {
    const { run, begun, ids } = held()
    for (const id of ['first', 'second']) await add(id)
    const taker = take({ run })
    await vi.waitFor(() => expect(ids()).toEqual(['first', 'second']), eventually)
    await taker.stop({ graceMs: 50, staysBehind: (id) => id === 'first' })
    expect(begun.map(({ signal }) => signal.aborted)).toEqual([false, true])
    expect(taker.running()).toEqual(['first'])
    expect(await queue.waiting(10)).toEqual(['second'])
  })

  it('stops when its signal is aborted', async () => {
    const stop = new AbortController()
    const { run, begun } = held()
    await add('first')
    const taker = take({ run, signal: stop.signal })
    await vi.waitFor(() => expect(begun).toHaveLength(1), eventually)
    stop.abort()
    await taker.stop({ graceMs: 60_000 })
    expect(await queue.waiting(10)).toEqual(['first'])
  })

  it('hands a job to a host that has what it starts from, which takes it and hands it to nobody', async () => {
    const [cold, warm] = [held(), held()]
    take({ run: cold.run, hostName: 'cold', betterHost: async () => 'warm' })
    take({ run: warm.run, hostName: 'warm', betterHost: async () => 'cold' })
    for (const id of ['one', 'two', 'three']) await add(id)
    await vi.waitFor(
      () => expect([...cold.ids(), ...warm.ids()].sort()).toEqual(['one', 'three', 'two']),
      eventually,
    )
    // Each was taken by one host and runs on the other.
    await sleep(500)
    expect([...cold.ids(), ...warm.ids()]).toHaveLength(3)
    for (const id of warm.ids()) warm.end(id)
    for (const id of cold.ids()) cold.end(id)
    await vi.waitFor(async () => expect(await linesLeft()).toEqual([]), eventually)
  })

  it('runs a job itself that the host which it was handed to does not take, or has no more room for', async () => {
    const [here, full] = [held(), held()]
    await add('fills')
    take({ capacity: { cpus: 1, memory: gib }, run: full.run, hostName: 'full' })
    await vi.waitFor(() => expect(full.ids()).toEqual(['fills']), eventually)
    const better = ['gone', 'full']
    take({
      ...{ run: here.run, hostName: 'here', timing: { ...quick, hand: 200 } },
      betterHost: async () => better.shift(),
    })
    for (const id of ['one', 'two']) await add(id)
    await vi.waitFor(() => expect(here.ids().sort()).toEqual(['one', 'two']), eventually)
    expect(better).toEqual([])
    expect(full.ids()).toEqual(['fills'])
  })

  it('gives a job to others that was handed to a host which died with it, and one whose host never was', async () => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', join(import.meta.dirname, 'host-child.ts'), server.socket],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const exited = once(child, 'exit')
    try {
      await queue.add(aLineJob('given', { repository: 'gitea:octo/other' }))
      expect(await queue.hand({ line: 'jobs', name: 'given-1' }, 'child')).toBe(true)
      await server.connect().zrem('test:jobs:prioritized', 'given-1')
      await server.connect().del('test:jobs:given-1')
      const [said] = await once(child.stdout, 'data')
      expect(String(said)).toBe('given false\n')
    } finally {
      child.kill('SIGKILL')
      await exited
    }
    await queue.add(aLineJob('lost'))
    expect(await queue.hand({ line: 'jobs', name: 'lost-1' }, 'nobody')).toBe(true)
    // One waits for that host already.
    expect(await queue.hand({ line: 'jobs', name: 'lost-1' }, 'nobody')).toBe(false)
    await server.connect().zrem('test:jobs:prioritized', 'lost-1')
    await server.connect().del('test:jobs:lost-1')
    const { run, ids } = held()
    take({ run })
    await vi.waitFor(async () => {
      await queue.tend()
      expect(ids().sort()).toEqual(['given', 'lost'])
    }, eventually)
    await vi.waitFor(async () => {
      await queue.tend()
      expect(await queue.lines()).toEqual(['jobs'])
    }, eventually)
  })

  it('takes from the lines whose labels it has, and from no other', async () => {
    const [plain, special] = [held(), held()]
    take({ run: plain.run, hostName: 'plain', labels: () => ['x86_64'], timing: { ...quick, lines: 50 } })
    await queue.add(aLineJob('wants-gpu', { runsOn: ['gpu', 'x86_64'] }))
    await queue.add(aLineJob('wants-x86', { runsOn: ['x86_64'], repository: 'gitea:octo/other' }))
    await vi.waitFor(() => expect(plain.ids()).toEqual(['wants-x86']), eventually)
    await sleep(300)
    expect(plain.ids()).toEqual(['wants-x86'])
    take({
      run: special.run,
      hostName: 'special',
      labels: () => ['gpu', 'x86_64'],
      timing: { ...quick, lines: 50 },
    })
    await vi.waitFor(() => expect(special.ids()).toEqual(['wants-gpu']), eventually)
    plain.end('wants-x86')
    special.end('wants-gpu')
    await vi.waitFor(async () => {
      await queue.tend()
      expect(await queue.lines()).toEqual(['jobs'])
    }, eventually)
    // A line that was dropped comes back with its next job.
    await queue.add(aLineJob('again', { runsOn: ['gpu', 'x86_64'] }))
    await vi.waitFor(() => expect(special.ids()).toEqual(['wants-gpu', 'again']), eventually)
  })

  it('loses no job and ends none twice while Redis is killed again and again', async () => {
    const store = createRedisStore({ redis: server.connect(), prefix: 'test' })
    const names = Array.from({ length: 60 }, (_, index) => `job${index}`)
    const build = aBuild({ id: 'b1', jobs: names.map((name) => `b1-${name}`) })
    await store.builds.add(
      build,
      names.map((name) => aJob('b1', name)),
    )
    const ended: string[] = []
    const runOn =
      (host: string) =>
      async ({ id }: TakenJob) => {
        let job = await store.jobs.claim(id, host)
        if (job === undefined) {
          const left = await store.jobs.get(id)
          if (left === undefined || left.state === 'passed') return 'ended' as const
          // Its answer, or its host, was lost.
          await store.jobs.change(id, ['claimed'], { state: 'queued' }, left.claim)
          job = await store.jobs.claim(id, host)
        }
        if (job === undefined) return 'put-back' as const
        await sleep(5)
        const done = await store.jobs.change(id, ['claimed'], { state: 'passed' }, job.claim)
        if (done !== undefined) ended.push(id)
        return 'ended' as const
      }
    for (const host of ['h1', 'h2']) take({ run: runOn(host) })
    const adding = (async () => {
      for (const id of build.jobs) {
        await queue.add(aLineJob(id))
        await sleep(5)
      }
    })()
    for (let kill = 0; kill < 4; kill++) {
      await sleep(80)
      await server.restart()
    }
    await adding
    await vi.waitFor(() => expect([...ended].sort()).toEqual([...build.jobs].sort()), {
      timeout: 20_000,
      interval: 50,
    })
    await vi.waitFor(async () => expect(await keysLeft()).toEqual([]), eventually)
  }, 60_000)
})
