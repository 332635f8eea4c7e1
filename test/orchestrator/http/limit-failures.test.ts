import { expect, it } from 'vitest'
import { httpWorld, publicUrl } from './http-world.ts'

const start = Date.parse('2026-01-02T03:04:05.000Z')

it('answers 429 to an address that was refused thirty times, and lets it try again after a while', async () => {
  const { ask, setNow, tokens } = await httpWorld()
  await tokens.make({ name: 'first', scopes: ['admin'] })
  const guess = () => ask('/api/v1/builds', { headers: { authorization: 'Bearer mfy_guess' } })
  for (let time = 0; time < 30; time++) expect((await guess()).status).toBe(401)
  expect((await guess()).status).toBe(429)
  setNow(start + 1_000)
  expect((await guess()).status).toBe(429)
  setNow(start + 2_500)
  expect((await guess()).status).toBe(401)
  expect((await guess()).status).toBe(429)
})

it('counts guesses that are made at once, each of them', async () => {
  const { ask, tokens } = await httpWorld()
  await tokens.make({ name: 'first', scopes: ['admin'] })
  await Promise.all(Array.from({ length: 60 }, () => ask('/api/v1/builds')))
  expect((await ask('/api/v1/builds')).status).toBe(429)
})

it('costs nobody anything who is let through, nor other addresses', async () => {
  const { app, ask } = await httpWorld()
  for (let time = 0; time < 100; time++) expect((await ask('/healthz')).status).toBe(200)
  const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } })
  const url = `${publicUrl}/api/v1/builds`
  for (let time = 0; time < 31; time++) await app.request(url, {}, from('192.0.2.1'))
  expect((await app.request(url, {}, from('192.0.2.1'))).status).toBe(429)
  expect((await app.request(url, {}, from('192.0.2.2'))).status).toBe(401)
})
