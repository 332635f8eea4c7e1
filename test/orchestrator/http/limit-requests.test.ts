import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { httpWorld, publicUrl } from './http-world.ts'

const start = Date.parse('2026-01-02T03:04:05.000Z')
const limits = { requests: 5, followers: 2 }

it('bounds the requests of a token, says when to come back, and lets others go on', async () => {
  const { ask, setNow, parts } = await httpWorld({ limits })
  const list = () => ask('/api/v1/builds', { scopes: ['read'] })
  for (let time = 0; time < 5; time++) expect((await list()).status).toBe(200)
  const refused = await list()
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('12')
  const { error } = (await refused.json()) as { error: { message: string; hint: string } }
  expect(error.message).toBe('expected at most 5 requests a minute, got more')
  expect(error.hint).toContain('limits.requests')
  expect((await ask('/api/v1/builds', { scopes: ['admin'] })).status).toBe(200)
  setNow(start + 12_000)
  expect((await list()).status).toBe(200)
  expect((await list()).status).toBe(429)
  const counted = await parts.metrics.registry.metrics()
  expect(counted).toContain('mayfly_limit_reached_total{limit="limits.requests"} 2')
})

it('bounds an address without a token, and no webhook of a forge', async () => {
  const { app, tokens } = await httpWorld({ limits })
  await tokens.make({ name: 'first', scopes: ['admin'] })
  const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } })
  const get = (address: string) => app.request(`${publicUrl}/healthz`, {}, from(address))
  for (let time = 0; time < 5; time++) expect((await get('192.0.2.1')).status).toBe(200)
  expect((await get('192.0.2.1')).status).toBe(429)
  expect((await get('192.0.2.2')).status).toBe(200)
  for (let time = 0; time < 10; time++) {
    const called = await app.request(
      `${publicUrl}/webhooks/github`,
      { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } },
      from('192.0.2.3'),
    )
    expect(called.status).not.toBe(429)
  }
})

it('gives a clock that is set a day ahead or back no say in it', async () => {
  let steady = 0
  const { ask, setNow } = await httpWorld({ limits, monotonic: () => steady })
  const list = async () => (await ask('/api/v1/builds', { scopes: ['read'] })).status
  for (let time = 0; time < 5; time++) expect(await list()).toBe(200)
  setNow(start + 86_400_000)
  expect(await list()).toBe(429)
  setNow(start - 86_400_000)
  expect(await list()).toBe(429)
  steady += 12_000
  expect(await list()).toBe(200)
})

it('bounds those who follow logs, names the limit, and lets the next in when one leaves', async () => {
  const { ask, addJob, openLog, parts } = await httpWorld({ limits: { ...limits, requests: 1000 } })
  const { job, folder } = await addJob({ state: 'running' })
  const log = await openLog(folder)
  const leave = new AbortController()
  const follow = (signal?: AbortSignal) =>
    ask(`/api/v1/jobs/${job.id}/log/follow`, {
      scopes: ['read'],
      ...(signal === undefined ? {} : { signal }),
    })
  const first = await follow()
  await follow(leave.signal)
  const third = await follow()
  expect(third.status).toBe(429)
  expect(third.headers.get('retry-after')).toBe('10')
  expect(await third.text()).toContain('limits.followers')
  await first.body?.cancel()
  await expect.poll(async () => (await follow()).status, { timeout: 10_000 }).toBe(200)
  const counted = await parts.metrics.registry.metrics()
  expect(counted).toMatch(/mayfly_limit_reached_total\{limit="limits.followers"\} [1-9]/)
  expect(counted).toContain('mayfly_log_followers 2')
  leave.abort()
  await log.close()
  await sleep(0)
})
