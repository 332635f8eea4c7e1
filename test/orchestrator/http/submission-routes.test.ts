import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { expect, it, onTestFinished } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { createApiClient } from '../../../orchestrator/client/api-client.ts'
import type { Submission, Submissions } from '../../../orchestrator/submissions/submissions.ts'
import { aBuild, aJob } from '../store/records.ts'
import { httpWorld } from './http-world.ts'

/** Submissions that read what they get and make a build of it that is written down. */
async function aWorld(change: Partial<Submissions> = {}) {
  const got: { submission: Submission; size: number }[] = []
  const submissions: Submissions = {
    bytes: 1_000_000,
    submit: async (submission, bundle) => {
      let size = 0
      for await (const chunk of bundle) size += chunk.length
      got.push({ submission, size })
      const bare = aBuild()
      const job = aJob(bare.id, 'main')
      const build = { ...bare, jobs: [job.id] }
      await world.parts.store.builds.add(build, [job])
      return { build, reasons: [] }
    },
    ...change,
  }
  const world = await httpWorld({ submissions })
  return { ...world, got }
}

const post = (body: RequestInit['body'] = 'bundle'): RequestInit => ({ method: 'POST', body: body ?? null })

it.each([
  [[], 401],
  [['read'], 403],
  [['submit'], 201],
] as const)('wants the scope submit, and before it reads anything: %j', async (scopes, status) => {
  const { ask, got } = await aWorld()
  const answer = await ask('/api/v1/submissions?name=engine', {
    ...post(),
    ...(scopes.length > 0 && { scopes }),
  })
  expect(answer.status).toBe(status)
  expect(got.length).toBe(status === 201 ? 1 : 0)
  const limits = await ask('/api/v1/submissions/limits', scopes.length > 0 ? { scopes } : {})
  expect(limits.status).toBe(status === 201 ? 200 : status)
  if (status === 201) expect(await limits.json()).toEqual({ bytes: 1_000_000 })
})

it('takes name, file, jobs and inputs, and answers with the build and its jobs', async () => {
  const { ask, got } = await aWorld()
  const query = 'name=my+engine&file=ci%2Fone.yml&job=a&job=b&input=x%3D1%3D2&input=y%3D'
  const answer = await ask(`/api/v1/submissions?${query}`, {
    ...post('x'.repeat(300_000)),
    scopes: ['submit'],
  })
  expect(await answer.json()).toMatchObject({
    state: 'queued',
    jobs: [{ name: 'main' }],
    url: expect.any(String),
  })
  const submission = { name: 'my engine', pipelineFile: 'ci/one.yml', jobs: ['a', 'b'], by: 'submit' }
  expect(got).toEqual([{ submission: { ...submission, inputs: { x: '1=2', y: '' } }, size: 300_000 }])
})

it.each([
  '',
  'name=',
  'name=a%2Fb',
  'name=a&file=..%2Fx',
  'name=a&file=%2Fetc%2Fpasswd',
  'name=a&input=x',
  `name=${'a'.repeat(101)}`,
])('refuses the query %j with 400', async (query) => {
  const { ask, got } = await aWorld()
  expect((await ask(`/api/v1/submissions?${query}`, { ...post(), scopes: ['submit'] })).status).toBe(400)
  expect(got).toEqual([])
})

it('says why where nothing is to be built, and what failed where something did', async () => {
  const nothing = await aWorld({ submit: async () => ({ build: undefined, reasons: ['no job runs'] }) })
  const answer = await nothing.ask('/api/v1/submissions?name=a', { ...post(), scopes: ['submit'] })
  expect([answer.status, await answer.text()]).toEqual([
    422,
    expect.stringContaining('no build: no job runs'),
  ])
  const full = await aWorld({
    submit: () => Promise.reject(new InfraError('host-disk-full', 'the disk is full')),
  })
  expect((await full.ask('/api/v1/submissions?name=a', { ...post(), scopes: ['submit'] })).status).toBe(503)
})

it('answers 413 to who says to send too much, over a real connection and while they still send', async () => {
  const { app, got } = await aWorld()
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  const path = await aFile(64 * 2 ** 20)
  const { signal } = new AbortController()
  const client = createApiClient({ server: url, token: undefined })
  const file = { path, size: 64 * 2 ** 20, type: 'application/x-git-bundle' }
  await expect(client.upload('/submissions?name=a', file, signal)).rejects.toThrow(
    'expected a submission of at most 1000000 bytes, got more',
  )
  expect(got).toEqual([])
  await writeFile(path, 'a bundle')
  expect(await client.upload('/submissions?name=a', { ...file, size: 8 }, signal)).toMatchObject({
    state: 'queued',
  })
  expect(got.map(({ size }) => size)).toEqual([8])
})

it('tells apart a server that is not there and one that hangs up', async () => {
  const file = { path: await aFile(32 * 2 ** 20), size: 32 * 2 ** 20, type: 'x/y' }
  const { signal } = new AbortController()
  const upload = (server: string) => createApiClient({ server, token: undefined }).upload('/x', file, signal)
  await expect(upload('http://127.0.0.1:1')).rejects.toThrow('expected a Mayfly server at http://127.0.0.1:1')
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  await expect(upload(url)).rejects.toThrow(`expected ${url} to take all that was sent`)
})

async function aFile(size: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-upload-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'bundle')
  await writeFile(path, Buffer.alloc(size))
  return path
}
