import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { explainDelivery } from '../../../orchestrator/deliveries/explain-delivery.ts'
import { processDelivery } from '../../../orchestrator/deliveries/process-delivery.ts'
import { replayDelivery } from '../../../orchestrator/deliveries/replay-delivery.ts'
import { createWholeSha } from '../../../orchestrator/deliveries/whole-sha.ts'
import type { Trigger } from '../../../orchestrator/model/trigger.ts'
import { aRepository } from '../a-repository.ts'
import { fixture } from '../forges/fixture.ts'
import { onlyTrigger } from '../forges/reading.ts'
import type { RealRedis } from '../real-redis.ts'
import { startRedis } from '../real-redis.ts'
import { startStandIn } from '../statuses/stand-in.ts'
import { deliveryParts, log, newId, recordingBuilds, signed } from './delivery-parts.ts'

let redis: RealRedis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

async function parts() {
  const made = await deliveryParts(redis)
  const { store, forges, vault, receive } = made
  const builds = recordingBuilds(store)
  const wholeSha = createWholeSha({ forges, vault, now: () => new Date() })
  const accept = async (body: unknown, headers: Record<string, string> = {}) =>
    (await receive(signed(body, headers))).delivery?.id ?? ''
  const process = (id: string) =>
    processDelivery({ id, store, builds, forges, wholeSha, now: () => new Date(), log })
  return { ...made, builds, wholeSha, accept, process }
}

describe('processDelivery', () => {
  it('makes a build of a push and writes which and why', async () => {
    const { accept, process, store, builds } = await parts()
    const id = await accept(fixture('gitea-push'))
    await process(id)
    expect(builds.asked).toHaveLength(1)
    expect(builds.asked[0]).toMatchObject({ delivery: id, trigger: { event: 'push', branch: 'develop' } })
    const delivery = await store.deliveries.get(id)
    expect(delivery).toMatchObject({ verdict: 'built', builds: [expect.any(String)] })
    expect(delivery?.reasons.slice(1)).toEqual([
      'gitea:gitea/webhooks is registered',
      'the signature is right',
      'push of refs/heads/develop at bffeb7422404',
      '1 job: main',
    ])
  })

  it('asks for nothing once it has its verdict, and after a crash before it for the same build again', async () => {
    const { accept, process, store, builds } = await parts()
    const id = await accept(fixture('gitea-push'))
    await process(id)
    await process(id)
    expect(builds.asked).toHaveLength(1)
    const first = await store.deliveries.get(id)
    await store.deliveries.update(id, { verdict: 'accepted', builds: [] })
    await process(id)
    expect(builds.asked).toHaveLength(2)
    expect(await store.deliveries.get(id)).toMatchObject({ verdict: 'built', builds: first?.builds })
    expect((await store.builds.list({}, { limit: 10, cursor: undefined })).items).toHaveLength(1)
  })

  it('ignores a deleted branch and an unknown event with the reason', async () => {
    const { accept, process, store, builds } = await parts()
    const deleted = await accept(fixture('gitea-branch-deleted'))
    const unknown = await accept(fixture('gitea-push'), { 'x-gitea-event': 'wiki' })
    await process(deleted)
    await process(unknown)
    expect(builds.asked).toEqual([])
    const verdict = async (id: string) => {
      const delivery = await store.deliveries.get(id)
      return [delivery?.verdict, delivery?.reasons.at(-1)]
    }
    expect(await verdict(deleted)).toEqual(['ignored', 'refs/heads/develop was deleted'])
    expect(await verdict(unknown)).toEqual(['ignored', 'the event "wiki" starts no builds'])
  })

  it('cancels the builds of a pull request that was closed', async () => {
    const { accept, process, store, builds } = await parts()
    const body = { ...(fixture('gitea-pull-request-fork-synchronized') as object), action: 'closed' }
    const id = await accept(body, { 'x-gitea-event': 'pull_request' })
    await process(id)
    expect(builds.superseded).toEqual([{ repository: 'gitea:gitea/webhooks', pullRequest: 7 }])
    expect((await store.deliveries.get(id))?.reasons.at(-1)).toBe(
      'pull request 7 was closed: 2 of its builds cancelled',
    )
  })

  it('writes failed with the way out for what no try will mend, and throws what one may', async () => {
    const { accept, process, store, builds } = await parts()
    const id = await accept(fixture('gitea-push'))
    builds.failures.push(new Error('the store is away'))
    await expect(process(id)).rejects.toThrow('the store is away')
    expect(await store.deliveries.get(id)).toMatchObject({ verdict: 'accepted' })
    builds.failures.push(new ConfigError('no such job', { hint: 'Name one of the file.' }))
    await process(id)
    const delivery = await store.deliveries.get(id)
    expect(delivery?.verdict).toBe('failed')
    expect(delivery?.reasons.slice(-2)).toEqual(['no such job', 'Name one of the file.'])
  })

  it('fails where the repository was removed meanwhile', async () => {
    const { accept, process, store } = await parts()
    const id = await accept(fixture('gitea-push'))
    await store.repositories.remove('gitea:gitea/webhooks')
    await process(id)
    expect(await store.deliveries.get(id)).toMatchObject({
      verdict: 'failed',
      reasons: expect.arrayContaining(['gitea:gitea/webhooks is not registered any more']),
    })
  })
})

describe('replayDelivery', () => {
  it('works on a copy as if it had come now', async () => {
    const { accept, process, store, builds, enqueued } = await parts()
    const id = await accept(fixture('gitea-push'))
    await process(id)
    const enqueue = async (copy: string) => void enqueued.push(copy)
    const copy = await replayDelivery({ id, by: 'ada', store, enqueue, now: () => new Date(), newId })
    expect(enqueued.at(-1)).toBe(copy?.id)
    await process(copy?.id ?? '')
    expect(builds.asked).toHaveLength(2)
    expect(await store.deliveries.get(copy?.id ?? '')).toMatchObject({
      replayOf: id,
      verdict: 'built',
      reasons: expect.arrayContaining([`replay of ${id}, asked for by ada`]),
    })
  })

  it('refuses one whose signature was wrong, and knows none that is not there', async () => {
    const { receive, store } = await parts()
    const call = signed(fixture('gitea-push'), { 'x-gitea-signature': 'wrong' })
    const { delivery } = await receive(call)
    const rest = { by: 'ada', store, enqueue: async () => undefined, now: () => new Date(), newId }
    await expect(replayDelivery({ id: delivery?.id ?? '', ...rest })).rejects.toThrow(
      /was not kept: it is refused/,
    )
    expect(await replayDelivery({ id: newId(), ...rest })).toBeUndefined()
  })
})

describe('explainDelivery', () => {
  it('says what would happen and changes nothing', async () => {
    const { accept, store, builds, forges, wholeSha } = await parts()
    const id = await accept(fixture('gitea-push'))
    expect(await explainDelivery({ id, store, builds, forges, wholeSha })).toEqual({
      reasons: ['push of refs/heads/develop at bffeb7422404', 'main: would run'],
      jobs: ['main'],
    })
    expect(builds.asked).toEqual([])
    expect(await store.deliveries.get(id)).toMatchObject({ verdict: 'accepted' })
    expect(await explainDelivery({ id: newId(), store, builds, forges, wholeSha })).toBeUndefined()
  })
})

describe('createWholeSha', () => {
  const short = 'd3022fc0ca3d'
  const whole = `${short}0000000000000000000000000001`

  async function ask(reply: { status: number; body?: string } | undefined) {
    const { forges } = await parts()
    const api = await startStandIn()
    if (reply !== undefined) api.replies.push(reply)
    try {
      const body = fixture('bitbucket-pullrequest-created')
      const trigger: Trigger = onlyTrigger(forges.bitbucket.read({ event: 'pullrequest:created', body }))
      const repository = aRepository({ forge: 'bitbucket', apiUrl: api.url })
      const wholeSha = createWholeSha({ forges, vault: { get: async () => 'tok-1' }, now: () => new Date() })
      const answer = await wholeSha(repository, trigger).catch((error: Error) => error)
      return { answer, received: api.received }
    } finally {
      await api.stop()
    }
  }

  it('asks Bitbucket for the hash of which it sent twelve digits', async () => {
    const { answer, received } = await ask({ status: 200, body: JSON.stringify({ hash: whole }) })
    expect(answer).toMatchObject({ sha: whole, event: 'pull_request' })
    expect(received[0]).toMatchObject({
      method: 'GET',
      path: `/repositories/ada/engine/commit/${short}`,
      headers: { authorization: 'Bearer tok-1' },
    })
  })

  it('believes no other commit, tells 404 as final and 500 as passing', async () => {
    const other = await ask({ status: 200, body: JSON.stringify({ hash: 'e'.repeat(40) }) })
    expect(other.answer).toMatchObject({
      name: 'ConfigError',
      message: expect.stringContaining('another commit'),
    })
    expect((await ask({ status: 404 })).answer).toMatchObject({ name: 'ConfigError' })
    expect((await ask({ status: 500 })).answer).toMatchObject({ name: 'InfraError' })
  })
})
