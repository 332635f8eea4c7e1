import { expect, it } from 'vitest'
import { aDelivery } from '../store/records.ts'
import { httpWorld } from './http-world.ts'

const json = (body: unknown): RequestInit => ({
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
})
const admin = { scopes: ['admin'] as const }

it('takes secrets and never gives one back', async () => {
  const { ask, logged, parts } = await httpWorld()
  const value = 'correct horse battery staple'
  const answers = [
    await ask('/api/v1/secrets/gitea:mayfly%2Fhello/DEPLOY', { method: 'PUT', ...json({ value }), ...admin }),
    await ask('/api/v1/secrets/gitea:mayfly%2Fhello', admin),
    await ask('/api/v1/secrets/gitea:mayfly%2Fhello/DEPLOY', admin),
    await ask('/api/v1/repositories', admin),
    await ask('/api/v1/secrets/host/OTHER', { method: 'PUT', ...json({ value: [value] }), ...admin }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 200, 400])
  const texts = await Promise.all(answers.map((answer) => answer.text()))
  expect(texts.join()).toContain('DEPLOY')
  expect(texts.join()).not.toContain(value)
  expect(logged()).not.toContain(value)
  expect(await parts.vault.get('gitea:mayfly/hello', 'DEPLOY')).toBe(value)
  const remove = () => ask('/api/v1/secrets/gitea:mayfly%2Fhello/DEPLOY', { method: 'DELETE', ...admin })
  expect((await remove()).status).toBe(200)
  expect((await remove()).status).toBe(404)
})

it('registers a repository, shows the secret it made once, and none that it was given', async () => {
  const { ask } = await httpWorld()
  const registration = { forge: 'gitea', name: 'ann/tool', cloneUrl: 'https://forge.test/ann/tool.git' }
  const made = await ask('/api/v1/repositories', { method: 'POST', ...json(registration), ...admin })
  expect(made.status).toBe(201)
  const answer = (await made.json()) as { webhookSecret: string; webhookUrl: string }
  expect(answer.webhookUrl).toBe('http://127.0.0.1:8470/webhooks/gitea')
  expect(answer.webhookSecret.length).toBeGreaterThan(20)
  const given = {
    ...registration,
    name: 'ann/other',
    secrets: { webhook: 'a-secret-of-my-own-choosing', token: 'forge-token-value' },
  }
  const other = await ask('/api/v1/repositories', { method: 'POST', ...json(given), ...admin })
  const list = await ask('/api/v1/repositories', { scopes: ['read'] })
  const texts = `${await other.text()}${await list.text()}`
  expect(texts).toContain('ann/other')
  for (const secret of [answer.webhookSecret, 'a-secret-of-my-own', 'forge-token-value'])
    expect(texts).not.toContain(secret)
  const again = await ask('/api/v1/repositories', { method: 'POST', ...json(registration), ...admin })
  expect(again.status).toBe(422)
  const removed = await ask('/api/v1/repositories/gitea:ann/tool', { method: 'DELETE', ...admin })
  expect(removed.status).toBe(200)
  expect((await ask('/api/v1/repositories/gitea:ann/tool', { method: 'DELETE', ...admin })).status).toBe(404)
})

it('makes tokens that are shown once and revoked by their id', async () => {
  const { ask } = await httpWorld()
  const made = await ask('/api/v1/tokens', {
    method: 'POST',
    ...json({ name: 'ci', scopes: ['read'] }),
    ...admin,
  })
  const { token, text } = (await made.json()) as { token: { id: string }; text: string }
  const asked = () => ask('/api/v1/builds', { headers: { authorization: `Bearer ${text}` } })
  expect((await asked()).status).toBe(200)
  const list = await (await ask('/api/v1/tokens', admin)).text()
  expect(list).toContain(token.id)
  expect(list).not.toContain(text)
  expect((await ask(`/api/v1/tokens/${token.id}`, { method: 'DELETE', ...admin })).status).toBe(200)
  expect((await asked()).status).toBe(401)
  const wrong = await ask('/api/v1/tokens', {
    method: 'POST',
    ...json({ name: 'x', scopes: ['root'] }),
    ...admin,
  })
  expect(wrong.status).toBe(400)
})

it('lists, explains and replays deliveries', async () => {
  const replays: string[] = []
  const { ask, parts } = await httpWorld({
    deliveries: {
      receive: async () => ({ status: 202, body: {} }),
      replay: async (id, by) => {
        replays.push(`${id} by ${by}`)
        return id === '01a' ? { id: '01z' } : undefined
      },
      explain: async (id) => (id === '01a' ? { reasons: ['it is a push'], jobs: ['main'] } : undefined),
    },
  })
  await parts.store.deliveries.record(aDelivery({ id: '01a', verdict: 'ignored' }), Buffer.from('{}'))
  await parts.store.deliveries.record(aDelivery({ id: '01b', verdict: 'built' }), Buffer.from('{}'))
  const read = { scopes: ['read'] as const }
  const list = async (query: string) =>
    ((await (await ask(`/api/v1/deliveries${query}`, read)).json()) as { items: { id: string }[] }).items.map(
      ({ id }) => id,
    )
  expect(await list('')).toEqual(['01b', '01a'])
  expect(await list('?verdict=ignored')).toEqual(['01a'])
  expect((await ask('/api/v1/deliveries?verdict=eaten', read)).status).toBe(400)
  expect(await (await ask('/api/v1/deliveries/01a/explain', read)).json()).toEqual({
    reasons: ['it is a push'],
    jobs: ['main'],
  })
  expect((await ask('/api/v1/deliveries/01a/replay', { method: 'POST', scopes: ['submit'] })).status).toBe(
    201,
  )
  expect((await ask('/api/v1/deliveries/none/replay', { method: 'POST', scopes: ['submit'] })).status).toBe(
    404,
  )
  expect(replays).toEqual(['01a by submit', 'none by submit'])
})

it('submits, shows and cancels a build with addresses that people reach', async () => {
  const address = { url: '' }
  const { ask } = await httpWorld({
    // Known once the server listens, which is after its routes were made.
    get publicUrl() {
      return address.url
    },
  })
  const submit = {
    method: 'POST',
    ...json({ forge: 'gitea', repository: 'mayfly/hello' }),
    scopes: ['submit'] as const,
  }
  address.url = 'http://127.0.0.1:9999'
  const made = await ask('/api/v1/builds', submit)
  expect(made.status).toBe(201)
  const build = (await made.json()) as { id: string; url: string; jobs: { id: string; url: string }[] }
  expect(build.url).toBe(`http://127.0.0.1:9999/builds/${build.id}`)
  expect(build.jobs[0]?.url).toBe(`http://127.0.0.1:9999/jobs/${build.jobs[0]?.id}`)
  const cancelled = await ask(`/api/v1/builds/${build.id}/cancel`, { method: 'POST', scopes: ['submit'] })
  expect(await cancelled.json()).toMatchObject({ state: 'cancelled', jobs: [{ state: 'cancelled' }] })
})
