import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSourcehut } from '../../../orchestrator/forges/sourcehut/sourcehut.ts'
import { sourcehutAlias } from '../../../orchestrator/forges/sourcehut/sourcehut-query.ts'
import { aRepository } from '../a-repository.ts'
import { fixture } from '../forges/fixture.ts'
import type { RealRedis } from '../real-redis.ts'
import { startRedis } from '../real-redis.ts'
import { deliveryParts, secret, signed } from './delivery-parts.ts'

let redis: RealRedis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const push = () => signed(fixture('gitea-push'))
const page = { limit: 100, cursor: undefined }

describe('receiveDelivery', () => {
  it('accepts a signed push: one record with its body, put in line, nothing built yet', async () => {
    const { receive, store, enqueued } = await deliveryParts(redis)
    const call = push()
    const answer = await receive(call)
    expect(answer).toMatchObject({ status: 202, body: { verdict: 'accepted' } })
    const id = answer.delivery?.id ?? ''
    expect(enqueued).toEqual([id])
    expect(await store.deliveries.get(id)).toMatchObject({
      forge: 'gitea',
      event: 'push',
      repository: 'gitea:gitea/webhooks',
      verdict: 'accepted',
      size: call.rawBody.length,
      reasons: [
        `${call.rawBody.length} bytes came from 192.0.2.7`,
        'gitea:gitea/webhooks is registered',
        'the signature is right',
      ],
      builds: [],
    })
    expect((await store.deliveries.body(id))?.equals(call.rawBody)).toBe(true)
    expect((await store.builds.list({}, page)).items).toEqual([])
  })

  it('keeps the headers without what proves who sent it', async () => {
    const { receive } = await deliveryParts(redis)
    const { delivery } = await receive(push())
    expect(Object.keys(delivery?.headers ?? {}).sort()).toEqual([
      'content-type',
      'user-agent',
      'x-gitea-delivery',
      'x-gitea-event',
    ])
  })

  it('knows a second arrival, and answers it 200 without working on it', async () => {
    const { receive, store, enqueued } = await deliveryParts(redis)
    const call = push()
    await receive(call)
    const again = await receive(call)
    expect(again).toMatchObject({ status: 200, body: { verdict: 'duplicate' } })
    expect(enqueued).toHaveLength(1)
    expect((await store.deliveries.list({ verdict: 'duplicate' }, page)).items).toHaveLength(1)
  })

  it('refuses a wrong, missing or malformed signature with 401, recorded without its body and counted', async () => {
    const { receive, store, enqueued } = await deliveryParts(redis)
    const counted: unknown[] = []
    const metrics = { deliveries: { inc: (labels: unknown) => void counted.push(labels) } }
    const call = push()
    const right = call.headers['x-gitea-signature'] ?? ''
    for (const wrong of [undefined, '', 'zz', right.slice(1), `sha256=${right}`, right.replace(/./, 'x')]) {
      const headers = { ...call.headers, 'x-gitea-signature': wrong }
      const answer = await receive({ ...call, headers, metrics })
      expect(answer).toMatchObject({ status: 401, body: { verdict: 'refused' } })
      expect(JSON.stringify(answer)).not.toContain(secret)
    }
    expect(enqueued).toEqual([])
    expect(counted).toEqual(Array.from({ length: 6 }, () => ({ forge: 'gitea', verdict: 'refused' })))
    const { items } = await store.deliveries.list({ verdict: 'refused' }, page)
    expect(items).toHaveLength(6)
    expect(items[0]?.reasons.at(-1)).toMatch(/wrong signature in X-Gitea-Signature/)
    expect((await store.deliveries.body(items[0]?.id ?? ''))?.length ?? 0).toBe(0)
  })

  it('takes the same delivery once the cause of a refusal is mended', async () => {
    const { receive } = await deliveryParts(redis)
    const call = push()
    const wrong = { ...call, headers: { ...call.headers, 'x-gitea-signature': 'wrong' } }
    expect((await receive(wrong)).status).toBe(401)
    expect((await receive(call)).status).toBe(202)
  })

  it('refuses a repository that is not registered with 404, and one without a secret with 403', async () => {
    const { receive, store } = await deliveryParts(redis, { withSecret: false })
    expect(await receive(push())).toMatchObject({
      status: 403,
      body: { reason: expect.stringContaining('has no secret to verify webhooks with: set mayfly:webhook') },
    })
    await store.repositories.remove('gitea:gitea/webhooks')
    expect(await receive(push())).toMatchObject({
      status: 404,
      body: { reason: 'gitea:gitea/webhooks is not registered here' },
    })
  })

  it('refuses what is too large, of the wrong type, no JSON, too deep or without headers, and records none of it', async () => {
    const { receive, store } = await deliveryParts(redis)
    const { headers } = push()
    const send = async (rawBody: Buffer, change: Record<string, string> = {}) =>
      (await receive({ rawBody, headers: { ...headers, ...change } })).status
    expect(await send(Buffer.alloc(30 * 1024 * 1024, 0x20))).toBe(413)
    expect(await send(Buffer.from('{}'), { 'content-type': 'text/xml' })).toBe(415)
    expect(await send(Buffer.from('{'))).toBe(400)
    expect(await send(Buffer.from('['.repeat(1_000_000)))).toBe(400)
    expect(await send(Buffer.from(`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`))).toBe(400)
    expect(await send(Buffer.from('{}'))).toBe(400)
    expect(
      (await receive({ rawBody: push().rawBody, headers: { 'content-type': 'application/json' } })).status,
    ).toBe(400)
    expect((await store.deliveries.list({}, page)).items).toEqual([])
  })

  it("ignores an organisation's event that names no repository with 200", async () => {
    const { receive } = await deliveryParts(redis)
    expect(
      await receive(signed({ action: 'member_added' }, { 'x-gitea-event': 'organization' })),
    ).toMatchObject({
      status: 200,
      body: { verdict: 'ignored' },
    })
  })

  it('answers 503 in time where the store does not answer', async () => {
    const { receive, store } = await deliveryParts(redis)
    const hanging = {
      ...store,
      deliveries: { ...store.deliveries, record: () => new Promise<boolean>(() => undefined) },
    }
    const started = Date.now()
    expect(await receive({ ...push(), store: hanging, limits: { record: 100 } })).toMatchObject({
      status: 503,
    })
    expect(Date.now() - started).toBeLessThan(2000)
    const broken = {
      ...hanging,
      deliveries: { ...store.deliveries, record: () => Promise.reject(new Error('down')) },
    }
    expect(await receive({ ...push(), store: broken })).toMatchObject({
      status: 503,
      body: { verdict: 'failed' },
    })
  })

  it('refuses a nonce of SourceHut that was used before', async () => {
    const { receive, store } = await deliveryParts(redis)
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
    await store.repositories.put(aRepository({ forge: 'sourcehut', name: '~ada/scopes' }))
    const payload = structuredClone(fixture('sourcehut-post-receive')) as {
      data: { webhook: Record<string, unknown> }
    }
    payload.data.webhook[sourcehutAlias(secret)] = 'x'
    const rawBody = Buffer.from(JSON.stringify(payload))
    const send = (delivery: string, nonce: string) => {
      const bytes = Buffer.concat([rawBody, Buffer.from(nonce)])
      return receive({
        forge: createSourcehut({ publicKey: raw }),
        rawBody,
        headers: {
          'content-type': 'application/json',
          'x-webhook-event': 'GIT_POST_RECEIVE',
          'x-webhook-delivery': delivery,
          'x-payload-nonce': nonce,
          'x-payload-signature': sign(
            null,
            bytes,
            createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
          ).toString('base64'),
        },
      })
    }
    expect((await send('one', 'aaaa')).status).toBe(202)
    expect(await send('two', 'aaaa')).toMatchObject({
      status: 401,
      body: { reason: expect.stringContaining('the nonce was used before') },
    })
    expect((await send('one', 'bbbb')).status).toBe(200)
    expect((await send('three', 'cccc')).status).toBe(202)
  })

  it('records ten thousand deliveries at once', async () => {
    const { receive, store, enqueued } = await deliveryParts(redis)
    const body = { ...(fixture('gitea-push') as object) }
    const answers = await Promise.all(
      Array.from({ length: 10_000 }, () => receive({ ...signed(body), limits: { record: 60_000 } })),
    )
    expect(answers.every(({ status }) => status === 202)).toBe(true)
    expect(new Set(enqueued).size).toBe(10_000)
    expect(
      (await store.deliveries.list({ verdict: 'accepted' }, { limit: 10, cursor: undefined })).items,
    ).toHaveLength(10)
  }, 90_000)
})
