import { expect, it } from 'vitest'
import { fingerprintOf } from '../../../orchestrator/gateway/public-key.ts'
import type { ParkedHold } from '../../../orchestrator/model/build.ts'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { aRepository } from '../a-repository.ts'
import { aKeysServer } from '../user-keys/a-keys-server.ts'
import { type HttpWorld, httpWorld } from './http-world.ts'

const path = `/api/v1/debug/${encodeURIComponent('gitea:mayfly/hello')}`
const debug = { scopes: ['debug'] as const }
const { publicKey, privateKey } = makeKeyPair('ada')

const put = (body: unknown): RequestInit => ({
  method: 'PUT',
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
})
const keys = [{ who: 'ada', publicKey }]
const parkedHold: ParkedHold = {
  ...{ state: 'parked', parked: '2026-07-01T10:00:00.000Z', until: '2026-07-08T10:00:00.000Z' },
  ...{ bytes: 2 ** 27, why: 'another <QEMU>' },
}
const held = {
  state: 'held',
  host: 'host-a',
  until: '2026-01-02T03:34:05.000Z',
  gateway: { host: '127.0.0.1', port: 2222, hostKey: 'ssh-ed25519 AAAA' },
} as const

const statusesOf = async (asked: readonly Promise<Response>[]) =>
  (await Promise.all(asked)).map(({ status }) => status)

it('are for the scope `debug` alone', async () => {
  const { ask, addJob, parts, said } = await httpWorld()
  const { job } = await addJob({ state: 'failed', hold: held })
  const all = (who: Parameters<HttpWorld['ask']>[1]) => [
    ask(path, who),
    ask(path, { ...put({ keys }), ...who }),
    ask(path, { method: 'DELETE', ...who }),
    ask(`/api/v1/jobs/${job.id}/release`, { method: 'POST', ...who }),
  ]
  // A server is closed once it has a token.
  expect((await ask('/api/v1/builds', debug)).status).toBeLessThan(500)
  expect(await statusesOf(all({}))).toEqual([401, 401, 401, 401])
  expect(await statusesOf(all({ scopes: ['read', 'submit'] }))).toEqual([403, 403, 403, 403])
  expect(await parts.optIns.get('gitea:mayfly/hello')).toBeUndefined()
  expect(said).toEqual([])
})

it('opt a repository in, show its keys by their fingerprints, and end that', async () => {
  const { ask, parts, logged } = await httpWorld()
  expect((await ask(path, debug)).status).toBe(404)
  const answer = await ask(path, { ...put({ keys }), ...debug })
  expect(answer.status).toBe(200)
  const blob = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64')
  const shown = {
    by: 'debug',
    at: '2026-01-02T03:04:05.000Z',
    keys: [{ who: 'ada', fingerprint: fingerprintOf(blob) }],
  }
  expect(await answer.json()).toEqual({ ...shown, problems: [] })
  expect(await (await ask(path, debug)).json()).toEqual(shown)
  expect((await parts.optIns.get('gitea:mayfly/hello'))?.keys).toEqual(keys)
  expect(logged()).toContain(fingerprintOf(blob))
  const remove = () => ask(path, { method: 'DELETE', ...debug })
  expect(await statusesOf([remove()])).toEqual([200])
  expect(await statusesOf([remove(), ask(path, debug)])).toEqual([404, 404])
})

it('refuse a repository that nobody registered', async () => {
  const { ask, parts } = await httpWorld()
  const other = `/api/v1/debug/${encodeURIComponent('gitea:mayfly/nobody')}`
  expect((await ask(other, { ...put({ keys }), ...debug })).status).toBe(404)
  expect(await parts.optIns.get('gitea:mayfly/nobody')).toBeUndefined()
})

it.each([
  ['no key at all', [], 400, 'keys'],
  ['nobody’s key', [{ who: '', publicKey }], 400, 'who'],
  ['a word', [{ who: 'ada', publicKey: 'hello' }], 422, 'expected a public key in one line'],
  ['half a key', [{ who: 'ada', publicKey: publicKey.slice(0, 60) }], 422, 'cut off'],
  ['one wrong key of two', [...keys, { who: 'bob', publicKey: 'ssh-dss AAAA' }], 422, 'DSA'],
])('refuse %s, with what was expected', async (_what, wrong, status, expected) => {
  const { ask, parts } = await httpWorld()
  const answer = await ask(path, { ...put({ keys: wrong }), ...debug })
  expect(answer.status).toBe(status)
  expect(await answer.text()).toContain(expected)
  expect(await parts.optIns.get('gitea:mayfly/hello')).toBeUndefined()
})

it('never repeat a private key that was given by mistake', async () => {
  const { ask, logged } = await httpWorld()
  for (const given of [privateKey, privateKey.replaceAll('\n', ' ')]) {
    const answer = await ask(path, { ...put({ keys: [{ who: 'ada', publicKey: given }] }), ...debug })
    expect(answer.status).toBe(422)
    const text = `${await answer.text()}${logged()}`
    expect(text).toContain('private key')
    for (const line of privateKey.split('\n').slice(1, -2)) expect(text).not.toContain(line)
  }
})

it('end what is kept by a word on the bus, and refuse where nothing is', async () => {
  const { ask, addJob, said } = await httpWorld()
  const release = (id: string) => ask(`/api/v1/jobs/${id}/release`, { method: 'POST', ...debug })
  const { job } = await addJob({ state: 'failed', hold: held })
  const answer = await release(job.id)
  expect([answer.status, await answer.json()]).toEqual([202, { job: job.id }])
  expect(said).toEqual([{ type: 'release', job: job.id, by: 'debug' }])
  const others = [
    await addJob({ state: 'failed' }),
    await addJob({ state: 'failed', hold: { state: 'refused', why: 'it is code from a fork' } }),
  ]
  expect(await statusesOf(others.map((other) => release(other.job.id)))).toEqual([409, 409])
  expect(await statusesOf([release('nothing')])).toEqual([404])
  expect(said).toHaveLength(1)
})

it('have what is parked resumed or removed, and what is kept parked, each only where it can be', async () => {
  const { ask, addJob, said } = await httpWorld()
  const post = (id: string, what: string) => ask(`/api/v1/jobs/${id}/${what}`, { method: 'POST', ...debug })
  const kept = await addJob({ state: 'failed', hold: held })
  const parked = await addJob({ state: 'failed', hold: parkedHold })
  const statuses = async (id: string) =>
    await statusesOf(['park', 'resume', 'release'].map((what) => post(id, what)))
  expect(await statuses(kept.job.id)).toEqual([202, 409, 202])
  expect(await statuses(parked.job.id)).toEqual([409, 202, 202])
  expect(said.map((message) => 'job' in message && `${message.type} ${message.job}`).toSorted()).toEqual(
    [
      `park ${kept.job.id}`,
      `release ${kept.job.id}`,
      `release ${parked.job.id}`,
      `resume ${parked.job.id}`,
    ].toSorted(),
  )
  const page = async (scopes: readonly ('read' | 'debug')[]) =>
    await (await ask(`/jobs/${parked.job.id}`, { scopes })).text()
  expect(await page(['read', 'debug'])).toContain(`/jobs/${parked.job.id}/resume`)
  const shown = await page(['read'])
  expect(shown).toContain('The machine is parked')
  expect(shown).toContain('another &lt;QEMU&gt;')
  expect(shown).not.toContain('/resume')
})

it('have their place on the page of the job: the way in, and the end for those who may', async () => {
  const { ask, addJob, setNow } = await httpWorld()
  const { job } = await addJob({ state: 'failed', hold: held })
  const page = async (scopes: readonly ('read' | 'debug')[]) =>
    await (await ask(`/jobs/${job.id}`, { scopes })).text()
  const open = await page(['read', 'debug'])
  expect(open).toContain(`ssh -p 2222 ${job.id}@127.0.0.1`)
  expect(open).toContain(`/jobs/${job.id}/release`)
  expect(await page(['read'])).not.toContain('/release')
  // A host that was killed never wrote how it ended.
  setNow(Date.parse(held.until) + 1000)
  expect(await page(['read', 'debug'])).toContain('The machine was kept until')
  const why = 'nobody <b>allowed</b> it'
  const other = await addJob({ state: 'failed', hold: { state: 'refused', why } })
  const refused = await (await ask(`/jobs/${other.job.id}`, { scopes: ['read'] })).text()
  expect(refused).toContain('The machine was not kept: nobody &lt;b&gt;')
})

it('opt users of the forge in with the keys that it has of them, and read those anew', async () => {
  const forge = await aKeysServer({ '/ada.keys': publicKey, '/bob.keys': 'sk-ssh-ed25519@openssh.com AAAA' })
  const { ask, parts } = await httpWorld()
  await parts.store.repositories.put(aRepository({ name: 'mayfly/hello', apiUrl: forge.url }))
  const answer = await ask(path, { ...put({ keys: [], users: ['ada', 'ada'] }), ...debug })
  const fingerprint = fingerprintOf(Buffer.from(publicKey.split(' ')[1] ?? '', 'base64'))
  const shown = { by: 'debug', keys: [{ who: 'ada', fingerprint }], problems: [] }
  expect(await answer.json()).toMatchObject(shown)

  const refused = await ask(path, { ...put({ users: ['ada', 'bob'] }), ...debug })
  expect([refused.status, await refused.text()]).toEqual([
    422,
    expect.stringContaining('expected keys of bob'),
  ])
  expect((await ask(path, { ...put({ keys: [] }), ...debug })).status).toBe(400)
  expect((await parts.optIns.get('gitea:mayfly/hello'))?.users).toMatchObject([{ name: 'ada' }])

  const other = makeKeyPair('other').publicKey
  forge.pages['/ada.keys'] = `${other}\nrubbish\n`
  const refresh = (who: Parameters<HttpWorld['ask']>[1]) => ask(path, { method: 'POST', ...who })
  expect((await refresh({ scopes: ['read'] })).status).toBe(403)
  const again = (await (await refresh(debug)).json()) as typeof shown
  expect(again).toMatchObject({ problems: [expect.stringContaining('line 2')] })
  expect(again.keys).not.toEqual(shown.keys)
  delete forge.pages['/ada.keys']
  expect(await (await refresh(debug)).json()).toMatchObject({ keys: [] })
})
