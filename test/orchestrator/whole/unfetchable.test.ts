import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../until.ts'
import { type Push, secrets } from './github-call.ts'
import { oneJob, startWhole, type Whole } from './whole-server.ts'

/** One bounds what it fetches by size, one by time: a busy computer may need long for what is too large. */
let whole: Whole
let hasty: Whole

beforeAll(async () => {
  const sizes = { bytes: 4 * 2 ** 20, fileBytes: 2 ** 20 }
  whole = await startWhole({ gitLimits: { ...sizes, ms: 60_000 } })
  hasty = await startWhole({ gitLimits: { ...sizes, ms: 2000 } })
})
afterAll(async () => {
  await whole?.close()
  await hasty?.close()
})

/** Waits for the verdict of a push that cannot be had, while a push of another repository comes to its own. */
async function besideAnother(whole: Whole, push: Push, other: string) {
  const fine = await whole.repository(other, { '.mayfly.yml': oneJob })
  expect((await whole.deliver(push)).status).toBe(202)
  expect((await whole.deliver(fine)).status).toBe(202)
  expect((await whole.verdict(other)).state).toBe('passed')
  const build = await whole.verdict(push.name, 50_000)
  const last = () => whole.forge.received.findLast(({ path }) => path.endsWith(push.sha))?.body
  await until('the forge has the verdict', () => last()?.state === 'error')
  expect((await fetch(`${whole.url}/readyz`)).status).toBe(200)
  return { build, description: String(last()?.description) }
}

describe.concurrent('a commit that cannot be had ends as errored with its reason, and other builds go on:', () => {
  it('one that was force-pushed away between its delivery and its fetch', async () => {
    const first = await whole.repository('octo/forced', { '.mayfly.yml': oneJob })
    const lost = await whole.git.commit('octo/forced', { 'a.txt': 'lost' })
    await whole.git.commit('octo/forced', { 'a.txt': 'kept' }, { parent: first.sha })
    await whole.git.git('octo/forced', ['gc', '--quiet', '--prune=now'])
    const { build, description } = await besideAnother(whole, { ...first, sha: lost }, 'octo/beside-forced')
    expect(build).toMatchObject({ state: 'errored', sha: lost, jobs: [] })
    expect(build.problem).toContain(`expected commit ${lost.slice(0, 12)} on the server`)
    expect(build.problem).toContain('force-pushed away')
    expect(description).toContain('on the server')
  })

  it('one of a repository that is larger than its bound', async () => {
    const huge = await whole.repository('octo/huge', {
      '.mayfly.yml': oneJob,
      huge: randomBytes(8 * 2 ** 20),
    })
    const { build, description } = await besideAnother(whole, huge, 'octo/beside-huge')
    expect(build).toMatchObject({ state: 'errored', jobs: [] })
    expect(build.problem).toContain('expected at most 4 MiB in its mirror, got more')
    expect(description).toContain('at most 4 MiB')
  })

  it('one of a server that takes the connection and is silent', { timeout: 90_000 }, async () => {
    const silent = await startSilence()
    try {
      const cloneUrl = `${silent.url}/octo/silent.git`
      const asked = { forge: 'github', name: 'octo/silent', cloneUrl, apiUrl: hasty.forge.url, secrets }
      expect((await hasty.api('POST', '/repositories', asked)).status).toBe(201)
      const push = { name: 'octo/silent', cloneUrl, sha: 'ab'.repeat(20) }
      const { build, description } = await besideAnother(hasty, push, 'octo/beside-silent')
      expect(build).toMatchObject({ state: 'errored', jobs: [] })
      expect(build.problem).toContain('expected an end within 2 s, got none')
      expect(description).toContain('expected an end within 2 s')
      // Nothing of git is left that still waits for it.
      await until('no connection is left', () => silent.open() === 0)
    } finally {
      await silent.close()
    }
  })
})

/** A server that accepts and never says a word. */
async function startSilence() {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
