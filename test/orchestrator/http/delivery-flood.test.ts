import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { Delivery } from '../../../orchestrator/model/delivery.ts'
import { processMemory, startServeProcess } from '../../serve-process.ts'
import { githubPush } from '../github-push.ts'
import { postDeliveries } from '../post-deliveries.ts'

const distinct = 9_000
const repeated = 1_000
const sockets = 500
const mostMiB = 500

const repository = 'octo/hello'
const secret = 'a-secret-of-forty-characters-or-so-in-all'

it('loses none of 10,000 deliveries at once, knows those that came before, and lives on in bounded memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-flood-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  const server = await startServeProcess({ folder })
  onTestFinished(() => server.stop())
  await register(server.url)

  const numbers = Array.from({ length: distinct }, (_, index) => index)
  // A repetition comes close after the first one: both are under way at the same time.
  const sent = numbers.flatMap((number) => (number < repeated ? [number, number] : [number]))
  const pushes = sent.map((number) => githubPush({ repository, secret, number }))
  const { said } = await postDeliveries({ url: server.url, pushes, sockets })
  expect(said).toEqual({ '202 accepted': distinct, '200 duplicate': repeated })
  expect(processMemory(server.pid, 'VmHWM')).toBeLessThan(mostMiB)

  const kept = await allDeliveries(server.url)
  const first = kept.filter(({ verdict }) => verdict !== 'duplicate')
  expect(kept).toHaveLength(distinct + repeated)
  expect(new Set(first.map(({ forgeId }) => forgeId))).toEqual(
    new Set(numbers.map((number) => idOf(githubPush({ repository, secret, number })))),
  )
  expect(first.filter(({ verdict }) => verdict === 'refused' || verdict === 'failed')).toEqual([])
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
}, 180_000)

function idOf({ headers }: ReturnType<typeof githubPush>): string {
  return headers['x-github-delivery'] ?? ''
}

async function register(url: string): Promise<void> {
  const cloneUrl = 'http://127.0.0.1:9/octo/hello.git'
  const answer = await fetch(`${url}/api/v1/repositories`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ forge: 'github', name: repository, cloneUrl, secrets: { webhook: secret } }),
  })
  expect(answer.status).toBe(201)
}

async function allDeliveries(url: string): Promise<Delivery[]> {
  const all: Delivery[] = []
  let next: string | undefined
  do {
    const query = new URLSearchParams({ limit: '200', ...(next === undefined ? {} : { cursor: next }) })
    const answer = await fetch(`${url}/api/v1/deliveries?${query}`)
    const page = (await answer.json()) as { items: Delivery[]; next?: string }
    all.push(...page.items)
    next = page.next
  } while (next !== undefined)
  return all
}
