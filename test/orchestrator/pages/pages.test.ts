import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { aTrigger } from '../builds/build-world.ts'
import { httpWorld, publicUrl } from '../http/http-world.ts'
import { aDelivery } from '../store/records.ts'

const hostile = '"><script>alert(1)</script>\u001b]0;title\u0007'
const read = { scopes: ['read'] as const }

describe('pages', () => {
  it('escape whatever a name, a branch, a title, a reason or a log may hold', async () => {
    const { ask, addJob, openLog, parts } = await httpWorld()
    const { build, job, folder } = await addJob(
      { name: hostile, state: 'failed', reason: hostile, hint: hostile, waiting: hostile },
      {
        state: 'failed',
        problem: hostile,
        trigger: aTrigger({ title: hostile, branch: hostile, author: hostile, actor: hostile, ref: hostile }),
      },
    )
    const file = await openLog(folder)
    await file.append(
      Buffer.from(`${hostile}\n\u001b[31m${hostile}\u001b]8;;javascript:alert(1)\u0007x\n`),
      0,
    )
    await file.close()
    const event = { type: 'step-started', index: 0, name: hostile, offset: 0, at: 1 }
    const artifact = { type: 'artifact', path: hostile, bytes: 1, at: 2 }
    await writeFile(join(folder, 'timeline.jsonl'), `${JSON.stringify(event)}\n${JSON.stringify(artifact)}\n`)
    const delivery = aDelivery({
      id: '01a',
      repository: hostile,
      event: hostile,
      reasons: [hostile],
      headers: { 'x-evil': hostile },
    })
    await parts.store.deliveries.record(delivery, Buffer.from('{}'))
    const evil = encodeURIComponent(hostile)
    const paths = [
      '/',
      `/?branch=${evil}&repository=${evil}&cursor=${evil}`,
      `/builds/${build.id}`,
      `/jobs/${encodeURIComponent(job.id)}`,
      `/jobs/${job.id}/lines?line=1&lines=10`,
      `/jobs/${job.id}/search?text=${evil}`,
      '/deliveries',
      '/deliveries/01a',
    ]
    for (const path of paths) {
      const answer = await ask(path, read)
      expect(answer.status, path).toBe(200)
      const html = await answer.text()
      expect(html, path).not.toContain('<script>alert')
      expect(html, path).not.toContain('"><script')
      expect(html, path).not.toMatch(/href="javascript:/i)
    }
    const log = await (await ask(`/jobs/${job.id}/lines?line=1&lines=10`, read)).text()
    expect(log).toContain('&lt;script&gt;')
    expect(log).not.toContain('\u001b')
  })

  it('show buttons only to who may press them', async () => {
    const { ask, addJob } = await httpWorld()
    const { build, job } = await addJob()
    for (const path of [`/builds/${build.id}`, `/jobs/${job.id}`]) {
      expect(await (await ask(path, read)).text()).not.toContain('method="post"')
      expect(await (await ask(path, { scopes: ['read', 'submit'] })).text()).toContain('method="post"')
    }
  })

  it.each([
    '/builds/x/cancel',
    '/builds/x/approve',
    '/builds/x/retry',
    '/jobs/x/cancel',
    '/deliveries/x/replay',
  ])('let nobody post to %s without the scope, nor from elsewhere', async (path) => {
    const { ask } = await httpWorld()
    const post = (origin: string | undefined, scopes: readonly ('read' | 'submit')[]) =>
      ask(path, { method: 'POST', scopes, headers: origin === undefined ? {} : { origin } })
    expect((await post(publicUrl, ['read'])).status).toBe(403)
    expect((await post('https://evil.example', ['submit'])).status).toBe(403)
    expect((await post('null', ['submit'])).status).toBe(403)
    expect((await post(undefined, ['submit'])).status).toBe(403)
    // Only who is let through hears that there is none.
    expect((await post(publicUrl, ['submit'])).status).toBe(404)
  })

  it('take a form that comes through the proxy that ends TLS', async () => {
    const { ask, addJob } = await httpWorld({ publicUrl: 'https://ci.example' })
    const { build } = await addJob()
    const post = (origin: string) =>
      ask(`/builds/${build.id}/cancel`, { method: 'POST', headers: { origin }, scopes: ['submit'] })
    expect((await post('https://ci.example')).status).toBe(302)
    expect((await post('https://ci.example.evil')).status).toBe(403)
  })

  it('say what a move that cannot be made wants, instead of an error of our own', async () => {
    const { ask, addJob, logged } = await httpWorld()
    const { build } = await addJob({}, { state: 'running' })
    const answer = await ask(`/builds/${build.id}/retry?which=all`, {
      method: 'POST',
      headers: { origin: publicUrl },
      scopes: ['submit'],
    })
    expect(answer.status).toBe(422)
    expect(await answer.text()).not.toContain('an error of our own')
    expect(logged()).not.toContain('a page failed')
  })

  it('are whole documents that a browser reads without scripts', async () => {
    const { ask } = await httpWorld()
    for (const path of ['/', '/queue', '/images', '/deliveries', '/login']) {
      const html = await (await ask(path, read)).text()
      expect(html.startsWith('<!DOCTYPE html><html lang="en">'), path).toBe(true)
      expect(html).toContain('<h1>')
    }
  })

  it('open a log of 100 MB at any line at once, with memory flat', async () => {
    const { ask, addJob, openLog } = await httpWorld()
    const { job, folder } = await addJob({ state: 'passed' })
    const file = await openLog(folder)
    const line = `${'a line of a long log '.repeat(5)}\n`
    const block = Buffer.from(line.repeat(10_000))
    while (file.size < 100 * 2 ** 20) await file.append(block, 0)
    await file.close()
    const last = file.size / line.length
    const before = process.memoryUsage().rss
    for (const at of ['', `?line=${Math.floor(last / 2)}`, `?line=${last - 5}`, `?offset=${file.size - 1}`]) {
      const started = performance.now()
      const html = await (await ask(`/jobs/${job.id}${at}`, read)).text()
      expect(performance.now() - started, at).toBeLessThan(5_000)
      expect(html).toContain('a line of a long log')
      if (at.startsWith('?offset')) expect(html).toContain(`id="L${last}"`)
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 2 ** 20)
  })
})
