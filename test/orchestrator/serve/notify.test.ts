import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type StandIn, startStandIn } from '../statuses/stand-in.ts'
import { until } from '../until.ts'
import { oneJob, startWhole, type Whole } from '../whole/whole-server.ts'

let whole: Whole
let receiver: StandIn

beforeEach(async () => {
  receiver = await startStandIn()
  whole = await startWhole({ machine: { steps: () => ({ prints: ['made\n', 300] }) } })
})
afterEach(async () => {
  await whole?.close()
  await receiver.stop()
})

const types = () => receiver.received.map(({ body }) => body.type)
const taken = () => receiver.received.filter(({ answered }) => answered < 300)

/** A repository whose builds are posted to the receiver, and the secret that was shown for it. */
async function notifying(name: string, on: string[]) {
  const push = await whole.repository(name, { '.mayfly.yml': oneJob })
  const path = `/repositories/${encodeURIComponent(`github:${name}`)}`
  const { status, body } = await whole.api('PATCH', path, { notify: [{ url: `${receiver.url}/hook`, on }] })
  expect(status).toBe(200)
  return { push, secret: String(body.notificationSecret) }
}

it('posts start and verdict of a build once each, signed, with what the API says of it', async () => {
  const { push, secret } = await notifying('octo/told', ['started', 'ended'])
  await whole.deliver(push)
  const build = await whole.verdict('octo/told')
  await until('both are taken', () => taken().length === 2)
  expect(types()).toEqual(['build.started', 'build.passed'])
  const last = receiver.received[1]
  const verified = new Webhook(secret).verify(last?.raw ?? '', last?.headers as Record<string, string>)
  const shown = (await whole.api('GET', `/builds/${build.id}`)).body
  expect(verified).toEqual({ type: 'build.passed', timestamp: expect.any(String), data: shown })
  expect(last?.raw).not.toContain(secret)
  // What looks for builds that nobody told of finds none.
  await whole.restart()
  await sleep(500)
  expect(types()).toEqual(['build.started', 'build.passed'])
})

it('loses no notification to a receiver that answers 500, to a Redis that is killed, nor to its own restart', async () => {
  const { push, secret } = await notifying('octo/hard', ['ended'])
  receiver.replies.push(...Array.from({ length: 50 }, () => ({ status: 500 })))
  await whole.deliver(push)
  await whole.verdict('octo/hard')
  await until('a first try', () => receiver.received.length >= 1)
  await whole.killRedis()
  await until('Redis is back', async () => (await fetch(`${whole.url}/readyz`)).status === 200, 20_000)
  await whole.restart()
  receiver.replies.length = 0
  await until('it is taken', () => taken().length === 1, 25_000)
  const [post] = taken()
  expect(new Webhook(secret).verify(post?.raw ?? '', post?.headers as Record<string, string>)).toMatchObject({
    type: 'build.passed',
    data: { state: 'passed', jobs: [{ name: 'main', state: 'passed' }] },
  })
  // Each try had the same id, by which a receiver knows it.
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
}, 90_000)

it('tells of a build that has no jobs because its pipeline file is wrong', async () => {
  const { push } = await notifying('octo/wrong', ['errored'])
  const sha = await whole.git.commit('octo/wrong', { '.mayfly.yml': 'stepz: []\n' })
  await whole.deliver({ ...push, sha })
  await until('it is taken', () => taken().length === 1)
  expect(receiver.received[0]?.body).toMatchObject({
    type: 'build.errored',
    data: { state: 'errored', jobs: [], problem: expect.stringContaining('.mayfly.yml:1') },
  })
})
