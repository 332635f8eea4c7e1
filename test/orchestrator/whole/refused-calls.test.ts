import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../until.ts'
import { type Call, githubCall, type Push, pullRequestOf, pushOf, signatureOf } from './github-call.ts'
import { oneJob, startWhole, type Whole } from './whole-server.ts'

let whole: Whole
let push: Push

beforeAll(async () => {
  whole = await startWhole()
  push = await whole.repository('octo/hello', { '.mayfly.yml': oneJob })
})
afterAll(() => whole?.close())

const deliveries = async (query = '') => (await whole.api('GET', `/deliveries${query}`)).body.items as Kept[]
type Kept = { id: string; verdict: string; reasons: string[]; builds: string[] }

const refusedSoFar = async () => {
  const metrics = await (await fetch(`${whole.url}/metrics`)).text()
  return Number(
    /^mayfly_webhook_deliveries_total\{forge="github",verdict="refused"\} (\d+)/m.exec(metrics)?.[1] ?? 0,
  )
}

describe('a webhook', () => {
  it.each<[string, Partial<Call>]>([
    ['a wrong signature', { signature: `sha256=${'0'.repeat(64)}` }],
    ['no signature', { signature: undefined }],
    ['a signature that is too short', { signature: 'sha256=00' }],
    ['a signature that is no hex', { signature: `sha256=${'z'.repeat(64)}` }],
    ['a signature of another kind', { signature: `sha1=${'0'.repeat(40)}` }],
    ['a signature by another secret', { signature: signatureOf('{}', 'guessed') }],
    ['an empty signature', { signature: '' }],
  ])('AC51: with %s is refused with 401, counted, and kept with its reason', async (_, call) => {
    const before = await refusedSoFar()
    const { status, body } = await whole.deliver(push, call)
    expect(status).toBe(401)
    expect(await refusedSoFar()).toBe(before + 1)
    const kept = (await whole.api('GET', `/deliveries/${body.delivery}`)).body as unknown as Kept
    expect(kept).toMatchObject({ verdict: 'refused', builds: [] })
    expect(kept.reasons.join()).toMatch(/signature/)
    const page = await (await fetch(`${whole.url}/deliveries/${body.delivery}`)).text()
    expect(page).toContain('signature')
    expect(await whole.builds(push.name)).toEqual([])
  })

  it('AC51: of a repository without a secret is refused, however it is signed', async () => {
    const lone = await whole.repository('octo/lone', { '.mayfly.yml': oneJob })
    expect((await whole.api('DELETE', '/secrets/github%3Aocto%2Flone/mayfly%3Awebhook')).status).toBe(200)
    for (const signature of [undefined, signatureOf(JSON.stringify(pushOf(lone)), '')]) {
      const { status, body } = await whole.deliver(lone, { signature })
      expect(status).toBe(403)
      expect(body.reason).toContain('has no secret')
    }
    expect(await whole.builds(lone.name)).toEqual([])
  })

  it('of a repository that is not registered is 404, with the reason on the page of deliveries', async () => {
    const { status, body } = await whole.deliver({ ...push, name: 'nobody/nothing' })
    expect(status).toBe(404)
    const page = await (await fetch(`${whole.url}/deliveries/${body.delivery}`)).text()
    expect(page).toContain('github:nobody/nothing is not registered here')
    expect(await (await fetch(`${whole.url}/deliveries`)).text()).toContain(String(body.delivery))
  })

  it('of JSON that is too deep is 400, in whatever key it is', async () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    for (const body of [
      deep,
      `{"repository":${deep}}`,
      `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
    ]) {
      expect((await whole.deliver(push, { body })).status).toBe(400)
    }
  })

  it.each(['text/plain', 'application/xml', '', 'multipart/form-data; boundary=x'])(
    'of the content type %j is 415',
    async (contentType) => {
      expect((await whole.deliver(push, { contentType })).status).toBe(415)
    },
  )

  it('of 30 MB is 413 before all of it was read, said in advance or not', async () => {
    expect(await sendMegabytes(30, { 'content-length': String(30 * 2 ** 20) })).toMatchObject({ status: 413 })
    const chunked = await sendMegabytes(300, { 'transfer-encoding': 'chunked' })
    expect(chunked.status).toBe(413)
    expect(chunked.sent).toBeLessThan(100)
  })

  it('is worked on after all of these, and a copy of it is known for one', async () => {
    const call = { id: randomUUID() }
    expect(await whole.deliver(push, call)).toMatchObject({ status: 202, body: { verdict: 'accepted' } })
    expect(await whole.deliver(push, call)).toMatchObject({ status: 200, body: { verdict: 'duplicate' } })
    expect((await whole.verdict(push.name)).state).toBe('passed')
    expect(await whole.builds(push.name)).toHaveLength(1)
    const copies = (await deliveries()).filter(({ verdict }) => verdict === 'duplicate')
    expect(copies).toMatchObject([
      {
        reasons: [
          expect.anything(),
          expect.anything(),
          expect.anything(),
          expect.stringContaining('sent this before'),
        ],
      },
    ])
  })
})

describe('what starts builds', () => {
  const outcome = async (push: Push, call: Partial<Call>) => {
    const { status, body } = await whole.deliver(push, call)
    expect(status).toBeGreaterThanOrEqual(200)
    expect(status).toBeLessThan(300)
    let kept: Kept | undefined
    await until('the delivery has its verdict', async () => {
      kept = (await whole.api('GET', `/deliveries/${body.delivery}`)).body as unknown as Kept
      return kept.verdict !== 'accepted'
    })
    return kept as unknown as Kept
  }

  it('AC51: no push whose `after` is all zeros, which deletes a branch', async () => {
    const deleted = { ...push, sha: '0'.repeat(40), ref: 'refs/heads/old' }
    const kept = await outcome(deleted, {})
    expect(kept).toMatchObject({ verdict: 'ignored', builds: [] })
    expect(kept.reasons.join()).toContain('delete')
  })

  it('AC51: a pull request that was opened, reopened or got commits, and in no other case', async () => {
    const pull = await whole.repository('octo/pulls', { '.mayfly.yml': oneJob })
    for (const action of ['opened', 'synchronize', 'reopened', 'closed', 'labeled', 'edited', 'assigned']) {
      const kept = await outcome(pull, {
        event: 'pull_request',
        body: JSON.stringify(pullRequestOf(pull, action)),
      })
      const builds = ['opened', 'synchronize', 'reopened'].includes(action)
      expect([action, kept.verdict]).toEqual([action, builds ? 'built' : 'ignored'])
    }
  })

  it.each(['ping', 'issues', 'release', 'star', 'workflow_job', 'no-such-event'])(
    'AC51: not the event %s, which is taken and ignored with its reason',
    async (event) => {
      const { repository } = pushOf(push) as { repository: object }
      const kept = await outcome(push, { event, body: JSON.stringify({ action: 'created', repository }) })
      expect(kept).toMatchObject({ verdict: 'ignored', builds: [] })
      expect(kept.reasons.length).toBeGreaterThan(2)
    },
  )
})

/** Sends zeros as long as they are taken; gives the answer and how many of the megabytes went out. */
function sendMegabytes(count: number, length: Record<string, string>) {
  return new Promise<{ status: number; sent: number }>((resolve, reject) => {
    const { path, method, headers } = githubCall({})
    const { hostname, port } = new URL(whole.url)
    let sent = 0
    const call = request({ hostname, port, path, method, headers: { ...headers, ...length } }, (response) => {
      response.resume()
      const status = response.statusCode ?? 0
      response.on('close', () => call.destroy())
      resolve({ status, sent })
    })
    call.on('error', reject)
    const megabyte = Buffer.alloc(2 ** 20, ' ')
    const next = () => {
      if (call.destroyed) return
      if (sent === count) return void call.end()
      sent++
      call.write(megabyte, next)
    }
    next()
  })
}
