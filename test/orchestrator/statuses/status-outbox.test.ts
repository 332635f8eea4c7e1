import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createForges } from '../../../orchestrator/forges/forges.ts'
import type { Status } from '../../../orchestrator/statuses/status.ts'
import type { StatusOutbox } from '../../../orchestrator/statuses/status-outbox.ts'
import { createStatusOutbox } from '../../../orchestrator/statuses/status-outbox.ts'
import { aRepository } from '../a-repository.ts'
import { keptLog } from '../kept-log.ts'
import type { RealRedis } from '../real-redis.ts'
import { startRedis } from '../real-redis.ts'
import { until } from '../until.ts'
import type { StandIn } from './stand-in.ts'
import { startStandIn } from './stand-in.ts'

const token = 'tok-very-secret'
const sha = 'c0ffee0000000000000000000000000000000001'
let redis: RealRedis
let api: StandIn
let clock = () => new Date()
/** ms by which a clock that nobody sets has gone on. */
let passed = 0
let kept = keptLog()
let round = 0
const opened: StatusOutbox[] = []

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())
beforeEach(async () => {
  api = await startStandIn()
  kept = keptLog()
  clock = () => new Date()
  passed = 0
  round += 1
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((outbox) => outbox.close()))
  await api.stop()
})

function open({ withToken = true, timeout = 300, archive = undefined as Archive } = {}): StatusOutbox {
  const outbox = createStatusOutbox({
    connection: redis.connect(),
    prefix: `test${round}`,
    forges: createForges(),
    vault: { get: async (_, name) => (withToken && name === 'mayfly:token' ? token : undefined) },
    now: () => clock(),
    monotonic: () => performance.now() + passed,
    log: kept.log,
    archive,
    limits: { firstRetry: 20, lastRetry: 200, timeout, sweep: 200 },
  })
  opened.push(outbox)
  return outbox
}

type Archive = Parameters<typeof createStatusOutbox>[0]['archive']

/** What was told of one build, in memory. */
function toldNotes(): NonNullable<Archive> {
  const told = new Map<string, string>()
  return { noteTold: async (_build, whom, what) => void told.set(whom, what), told: async () => told }
}

function status(state: Status['state'], change: Partial<Status> = {}): Status {
  const repository = aRepository({ forge: 'gitea', apiUrl: `${api.url}/api/v1` })
  const url = 'https://ci.example.org/jobs/1'
  return {
    repository,
    sha,
    ref: 'refs/heads/main',
    context: 'mayfly',
    state,
    description: state,
    url,
    ...change,
  }
}

const states = () => api.received.map(({ body }) => body.description)

describe('createStatusOutbox', () => {
  it('tells each state in order, with every field', async () => {
    const outbox = open()
    for (const state of ['pending', 'running', 'passed'] as const) await outbox.post(status(state))
    await until('three statuses', () => api.received.length === 3)
    expect(states()).toEqual(['pending', 'running', 'passed'])
    expect(api.received[2]).toMatchObject({
      method: 'POST',
      path: `/api/v1/repos/ada/engine/statuses/${sha}`,
      headers: {
        authorization: `token ${token}`,
        'content-type': 'application/json',
        'user-agent': 'mayfly',
      },
    })
    expect(api.received[2]?.body).toEqual({
      state: 'success',
      target_url: 'https://ci.example.org/jobs/1',
      description: 'passed',
      context: 'mayfly',
    })
  })

  it('keeps the order of each of a hundred contexts', async () => {
    const outbox = open({ timeout: 20_000 })
    const contexts = Array.from({ length: 100 }, (_, index) => `mayfly/${index}`)
    for (const state of ['pending', 'running', 'failed'] as const)
      await Promise.all(contexts.map((context) => outbox.post(status(state, { context }))))
    await until('300 statuses', () => api.received.length === 300)
    for (const context of contexts) {
      const told = api.received.filter(({ body }) => body.context === context)
      expect(told.map(({ body }) => body.description)).toEqual(['pending', 'running', 'failed'])
    }
  })

  it('tries again after 500, and then tells the newest state only', async () => {
    api.replies.push({ status: 500, headers: { 'retry-after': '1' } })
    const outbox = open()
    await outbox.post(status('pending'))
    await until('the first try', () => api.received.length === 1)
    for (const state of ['running', 'failed', 'passed'] as const) await outbox.post(status(state))
    await until('the second try', () => api.received.length === 2)
    await sleep(100)
    expect(states()).toEqual(['pending', 'passed'])
  })

  it('waits as long as a 429 says before it asks again, for other contexts of the repository too', async () => {
    api.replies.push({ status: 429, headers: { 'retry-after': '1' } })
    const outbox = open()
    await outbox.post(status('pending'))
    await until('the first try', () => api.received.length === 1)
    await outbox.post(status('running', { context: 'mayfly/other' }))
    await until('both', () => api.received.length === 3)
    const [first, second, third] = api.received
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990)
    expect((third?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990)
  })

  it('tries again where there was no answer in time, or no server', async () => {
    api.replies.push(undefined)
    const outbox = open()
    await outbox.post(status('passed'))
    await until('the second try', () => api.received.length === 2)
    expect(kept.lines()).toContain('did not answer in 0.3 s')
    const gone = await startStandIn()
    await gone.stop()
    await outbox.post(status('failed', { repository: aRepository({ apiUrl: gone.url }) }))
    await until('a note', () => kept.lines().includes('cannot be reached'))
  })

  it('brings each state that was held up by 500, 429, a reset or silence later, in order, and none twice', async () => {
    api.replies.push(
      { status: 500 },
      ...[undefined, 'reset' as const, { status: 429, headers: { 'retry-after': '1' } }],
    )
    const outbox = open()
    const contexts = ['a', 'b', 'c', 'd']
    for (const context of contexts) await outbox.post(status('pending', { context }))
    const taken = (context: string) =>
      api.received.filter(({ body, answered }) => answered < 300 && body.context === context)
    await until('all are taken once', () => contexts.every((context) => taken(context).length === 1))
    for (const state of ['running', 'passed'] as const)
      for (const context of contexts) await outbox.post(status(state, { context }))
    await until('all are taken', () => contexts.every((context) => taken(context).length === 3))
    for (const context of contexts)
      expect(taken(context).map(({ body }) => body.description)).toEqual(['pending', 'running', 'passed'])
  })

  it('is not held up by a repository whose forge never answers, however much there is to tell it', async () => {
    const silent = await startStandIn()
    try {
      silent.replies.push(...Array.from({ length: 1000 }, () => undefined))
      const outbox = open({ timeout: 3000 })
      const dead = aRepository({ forge: 'gitea', name: 'ada/dead', apiUrl: `${silent.url}/api/v1` })
      const contexts = Array.from({ length: 100 }, (_, index) => `mayfly/${index}`)
      await Promise.all(
        contexts.map((context) => outbox.post(status('pending', { repository: dead, context }))),
      )
      await until('the silent one is asked', () => silent.received.length >= 4)
      await outbox.post(status('passed'))
      await until('the other is told', () => states().includes('passed'))
      // Four at a time, of which each takes three seconds to be given up.
      expect(silent.received.length).toBeLessThanOrEqual(12)
    } finally {
      await silent.stop()
    }
  })

  it('takes 401 and 404 as final, with a note that holds no token even where the answer does', async () => {
    api.replies.push({ status: 401, body: `bad token ${token}` }, { status: 404 })
    const outbox = open()
    await outbox.post(status('pending'))
    await until('the first note', () => kept.lines().includes('the answer was 401'))
    await outbox.post(status('passed'))
    await until('the second note', () => kept.lines().includes('the answer was 404'))
    await sleep(150)
    expect(api.received).toHaveLength(2)
    expect(kept.lines()).not.toContain(token)
  })

  it('notes a missing token and asks nobody', async () => {
    await open({ withToken: false }).post(status('pending'))
    await until('the note', () =>
      kept.lines().includes('expected the secret mayfly:token of gitea:ada/engine'),
    )
    expect(api.received).toHaveLength(0)
  })

  it('gives up after a day', async () => {
    api.replies.push(...Array.from({ length: 50 }, () => ({ status: 503 })))
    const outbox = open()
    await outbox.post(status('passed'))
    await until('some tries', () => api.received.length >= 2)
    // A wall clock that is set is no day that went by.
    clock = () => new Date(Date.now() + 86_400_000)
    const early = api.received.length
    await until('more tries', () => api.received.length >= early + 2)
    expect(kept.lines()).not.toContain('given up')
    passed = 86_400_000
    await until('the note', () => kept.lines().includes('given up after 86'))
    const tries = api.received.length
    await sleep(400)
    expect(api.received).toHaveLength(tries)
  })

  it('keeps what was not told over a restart of ours, without any secret in Redis', async () => {
    api.replies.push(...Array.from({ length: 100 }, () => ({ status: 503 })))
    const first = open()
    await first.post(status('running'))
    await until('a try', () => api.received.length >= 1)
    await first.post(status('passed'))
    await first.close()
    expect(await everything()).not.toContain(token)
    api.replies.length = 0
    const before = api.received.length
    open()
    await until('the state', () => api.received.length > before)
    expect(states().slice(before)).toEqual(['passed'])
  })

  it('takes up what nobody was woken for', async () => {
    const first = open()
    await first.close()
    const client = redis.connect()
    const lane = 'a'.repeat(32)
    const item = JSON.stringify({ id: 'x', at: Date.now(), item: status('passed') })
    await client.rpush(`test${round}:outbox:statuses:lane:${lane}`, item)
    await client.sadd(`test${round}:outbox:statuses:open`, lane)
    open()
    await until('the state', () => states().includes('passed'))
    await until(
      'the lane to be empty',
      async () => (await client.scard(`test${round}:outbox:statuses:open`)) === 0,
    )
  })

  it('loses nothing when Redis is killed meanwhile', async () => {
    const outbox = open()
    const contexts = Array.from({ length: 40 }, (_, index) => `mayfly/${index}`)
    const posts = contexts.map((context) => outbox.post(status('passed', { context })))
    await redis.restart()
    await Promise.all(posts)
    await until(
      'all contexts',
      () => new Set(api.received.map(({ body }) => body.context)).size === contexts.length,
      40_000,
    )
  }, 60_000)

  it('tells SourceHut nothing, and GitLab nothing twice', async () => {
    const outbox = open()
    await outbox.post(status('passed', { repository: aRepository({ forge: 'sourcehut', apiUrl: api.url }) }))
    api.replies.push({ status: 400, body: '{"message":"Cannot transition status via :run from :running"}' })
    await outbox.post(status('running', { repository: aRepository({ forge: 'gitlab', apiUrl: api.url }) }))
    await until('GitLab to be told', () => api.received.length === 1)
    await sleep(100)
    expect(api.received[0]?.path).toBe(`/projects/ada%2Fengine/statuses/${sha}`)
    expect(api.received).toHaveLength(1)
    expect(kept.lines()).not.toContain('Cannot transition')
  })

  it('leaves no finished jobs behind', async () => {
    const outbox = open()
    await outbox.post(status('passed'))
    await until('the status', () => api.received.length === 1)
    const queue = new Queue('statuses', { connection: redis.connect(), prefix: `test${round}` })
    await until('no job', async () => Object.values(await queue.getJobCounts()).every((count) => count === 0))
    await queue.close()
  })

  it('does not tell an end twice, also where two processes post it, but tells it again after a new attempt', async () => {
    const archive = toldNotes()
    const [first, second] = [open({ archive }), open({ archive })]
    const of = (state: Status['state']) => status(state, { build: 'b1' })
    await first.post(of('pending'))
    await first.post(of('passed'))
    await until('the end', () => api.received.length === 2)
    await second.post(of('passed'))
    await second.post(of('running'))
    await second.post(of('passed'))
    await until('the end of the next attempt', () => api.received.length === 4)
    await sleep(100)
    expect(api.received.map(({ body }) => body.state)).toEqual(['pending', 'success', 'pending', 'success'])
  })
})

async function everything(): Promise<string> {
  const client = redis.connect()
  const parts: string[] = []
  for (const key of await client.keys('*')) {
    const type = await client.type(key)
    if (type === 'string') parts.push((await client.get(key)) ?? '')
    if (type === 'list') parts.push(...(await client.lrange(key, 0, -1)))
    if (type === 'hash') parts.push(JSON.stringify(await client.hgetall(key)))
  }
  return parts.join('\n')
}
