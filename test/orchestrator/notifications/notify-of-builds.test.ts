import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NotifyTarget } from '../../../config/host/host-config.ts'
import {
  createNotificationOutbox,
  type NotificationOutbox,
} from '../../../orchestrator/notifications/notification-outbox.ts'
import { notifyOfBuilds } from '../../../orchestrator/notifications/notify-of-builds.ts'
import { aRepository } from '../a-repository.ts'
import { keptLog } from '../kept-log.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'
import { type StandIn, startStandIn } from '../statuses/stand-in.ts'
import { aBuild, aJob } from '../store/records.ts'
import { until } from '../until.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
let redis: RealRedis
let receiver: StandIn
let outbox: NotificationOutbox
let kept = keptLog()
let round = 0

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())
beforeEach(async () => {
  receiver = await startStandIn()
  kept = keptLog()
  round += 1
  outbox = createNotificationOutbox({
    connection: redis.connect(),
    prefix: `test${round}`,
    vault: { get: async () => secret },
    now: () => new Date(),
    log: kept.log,
    limits: { firstRetry: 20, lastRetry: 100, timeout: 1000 },
  })
})
afterEach(async () => {
  await outbox.close()
  await receiver.stop()
})

function notifier(targets: readonly NotifyTarget[]) {
  const repository = { ...aRepository(), notify: targets }
  return notifyOfBuilds({
    outbox,
    store: {
      repositories: {
        get: async () => repository,
        put: async () => undefined,
        list: async () => [],
        remove: async () => false,
      },
    },
    show: ({ id, state }) => ({ id, state }),
    log: kept.log,
  })
}

const to = (path: string, on: NotifyTarget['on'] = ['ended']): NotifyTarget => ({
  url: `${receiver.url}${path}`,
  on,
})
const told = (path: string) =>
  receiver.received.filter((one) => one.path === path).map(({ body }) => body.type)

describe('notifyOfBuilds', () => {
  it('tells each URL what it asked for, and nothing else', async () => {
    const notify = notifier([
      to('/ended'),
      to('/all', ['started', 'ended']),
      to('/failed', ['failed', 'errored']),
    ])
    const build = aBuild()
    const jobs = [aJob(build.id, 'main')]
    for (const state of ['queued', 'running', 'passed'] as const) await notify({ ...build, state }, jobs)
    await notify({ ...aBuild(), state: 'waiting' }, jobs)
    await notify({ ...aBuild(), state: 'failed' }, jobs)
    await until('six posts', () => receiver.received.length === 6)
    expect(told('/ended').sort()).toEqual(['build.failed', 'build.passed'])
    expect(told('/all').slice().sort()).toEqual(['build.failed', 'build.passed', 'build.started'])
    expect(told('/failed')).toEqual(['build.failed'])
  })

  it('tells a verdict once, however often it is announced and by whom', async () => {
    const notify = notifier([to('/')])
    const build = { ...aBuild(), state: 'passed' } as const
    const jobs = [aJob(build.id, 'main', { attempt: 2 })]
    await Promise.all(Array.from({ length: 20 }, () => notify(build, jobs)))
    await notify({ ...build, state: 'failed' }, [aJob(build.id, 'main', { attempt: 3 })])
    await until('the verdict of the retry', () => told('/').includes('build.failed'))
    expect(told('/')).toEqual(['build.passed', 'build.failed'])
  })

  it('tells the same verdict again where a retry came to it', async () => {
    const notify = notifier([to('/')])
    const build = { ...aBuild(), state: 'failed' } as const
    await notify(build, [aJob(build.id, 'main', { attempt: 1 })])
    await notify(build, [aJob(build.id, 'main', { attempt: 2 })])
    await until('both', () => told('/').length === 2)
    const [first, second] = receiver.received
    expect(first?.headers['webhook-id']).not.toBe(second?.headers['webhook-id'])
    for (const post of receiver.received)
      new Webhook(secret).verify(post.raw, post.headers as Record<string, string>)
  })

  it('is no obstacle to the build where a record holds a URL that is refused now', async () => {
    const notify = notifier([{ url: 'ftp://example.org/', on: ['ended'] }, to('/fine')])
    await notify({ ...aBuild(), state: 'passed' }, [])
    await until('the other', () => told('/fine').length === 1)
    expect(kept.lines()).toContain('nobody was notified')
  })
})
