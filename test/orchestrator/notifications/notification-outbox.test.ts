import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import type { NotificationOutbox } from '../../../orchestrator/notifications/notification-outbox.ts'
import { createNotificationOutbox } from '../../../orchestrator/notifications/notification-outbox.ts'
import { keptLog } from '../kept-log.ts'
import type { RealRedis } from '../real-redis.ts'
import { startRedis } from '../real-redis.ts'
import type { StandIn } from '../statuses/stand-in.ts'
import { startStandIn } from '../statuses/stand-in.ts'
import { until } from '../until.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
let redis: RealRedis
let receiver: StandIn
let kept = keptLog()
let round = 0
const opened: NotificationOutbox[] = []

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())
beforeEach(async () => {
  receiver = await startStandIn()
  kept = keptLog()
  round += 1
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((outbox) => outbox.close()))
  await receiver.stop()
})

function open(value: string | undefined = secret): NotificationOutbox {
  const outbox = createNotificationOutbox({
    connection: redis.connect(),
    prefix: `test${round}`,
    vault: { get: async (_, name) => (name === 'mayfly:notification' ? value : undefined) },
    now: () => new Date(),
    log: kept.log,
    limits: { firstRetry: 20, lastRetry: 100, timeout: 500 },
  })
  opened.push(outbox)
  return outbox
}

const notification = () => ({
  scope: 'gitea:ada/engine',
  url: `${receiver.url}/hook`,
  type: 'build.passed',
  subject: '01j0build',
  data: { id: '01j0build', state: 'passed', title: 'Grüße 🦋' },
})

describe('createNotificationOutbox', () => {
  it('posts the record with a signature that any Standard Webhooks library verifies', async () => {
    await open().notify(notification())
    await until('the post', () => receiver.received.length === 1)
    const [post] = receiver.received
    const headers = post?.headers as Record<string, string>
    expect(post).toMatchObject({ method: 'POST', path: '/hook' })
    expect(headers['webhook-id']).toMatch(/^msg_/)
    expect(new Webhook(secret).verify(post?.raw ?? '', headers)).toEqual({
      type: 'build.passed',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      data: { id: '01j0build', state: 'passed', title: 'Grüße 🦋' },
    })
    expect(() => new Webhook(secret).verify(`${post?.raw} `, headers)).toThrow()
  })

  it('tries again with the same id and a fresh signature', async () => {
    receiver.replies.push({ status: 500 }, undefined)
    await open().notify(notification())
    await until('the third try', () => receiver.received.length === 3)
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    const last = receiver.received[2]
    expect(new Webhook(secret).verify(last?.raw ?? '', last?.headers as Record<string, string>)).toBeDefined()
  })

  it('notes a missing or malformed secret without showing it, and posts nothing', async () => {
    await open('').notify(notification())
    await until('the note', () =>
      kept.lines().includes('expected mayfly:notification to be whsec_ and base64'),
    )
    await sleep(50)
    expect(receiver.received).toHaveLength(0)
  })

  it('refuses a URL that is not http or that carries credentials, without showing them', async () => {
    const outbox = open()
    const notify = (url: string) => outbox.notify({ ...notification(), url })
    await expect(notify('file:///etc/passwd')).rejects.toThrow(ConfigError)
    await expect(notify('nonsense')).rejects.toThrow(/expected an http or https URL/)
    const error = await notify('https://me:hunter2@example.org/').catch((caught: Error) => caught)
    expect(String(error)).toMatch(/without credentials/)
    expect(String(error)).not.toContain('hunter2')
  })
})
