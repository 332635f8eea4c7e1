import { describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { httpWorld } from './http-world.ts'

const mebibytes = (count: number) => new Uint8Array(count * 2 ** 20)

describe('what a request may bring', () => {
  it('refuses a body of 30 MB with 413 before it is believed, and keeps serving', async () => {
    let received = 0
    const receive = async () => {
      received++
      return { status: 202, body: { verdict: 'accepted' } }
    }
    const none = async () => undefined
    const { ask, parts } = await httpWorld({ deliveries: { receive, replay: none, explain: none } })
    const answer = await ask('/webhooks/gitea', { method: 'POST', body: mebibytes(30) })
    expect(answer.status).toBe(413)
    expect(received).toBe(0)
    expect(await parts.metrics.registry.metrics()).toContain('forge="gitea",verdict="refused"} 1')
    expect((await ask('/webhooks/gitea', { method: 'POST', body: '{}' })).status).toBe(202)
  })

  it('counts the bytes of a body whose length is not said, and reads no more than it has to', async () => {
    const { ask } = await httpWorld()
    let pulled = 0
    const body = new ReadableStream({
      pull: (controller) => {
        pulled++
        controller.enqueue(mebibytes(1))
        if (pulled === 100) controller.close()
      },
    })
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    expect((await ask('/webhooks/github', init)).status).toBe(413)
    expect(pulled).toBeLessThan(30)
  })

  it.each(['{', '', 'null', '[]', '{"forge":"gitea"}', '{"forge":"nowhere","repository":"a/b"}'])(
    'answers the JSON %j by 400 with a message',
    async (body) => {
      const { ask } = await httpWorld()
      const headers = { 'content-type': 'application/json' }
      const answer = await ask('/api/v1/builds', { method: 'POST', body, headers, scopes: ['submit'] })
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ error: { message: expect.any(String) } })
    },
  )

  it('does not take a form for JSON', async () => {
    const { ask } = await httpWorld()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = 'forge=gitea&repository=mayfly/hello'
    const answer = await ask('/api/v1/builds', { method: 'POST', body, headers, scopes: ['submit'] })
    expect(answer.status).toBe(400)
  })

  it.each(['/api/v1/nothing', '/api/v2/builds', '/api/v1/builds/x/y/z', '/nothing', '/assets/none.js'])(
    'answers 404 on %s',
    async (path) => {
      const { ask } = await httpWorld()
      expect((await ask(path, { scopes: ['admin'] })).status).toBe(404)
    },
  )

  it.each(['limit=0', 'limit=201', 'limit=many', 'state=exploded'])(
    'refuses the query %s with 400',
    async (query) => {
      const { ask } = await httpWorld()
      expect((await ask(`/api/v1/builds?${query}`, { scopes: ['read'] })).status).toBe(400)
    },
  )
})

describe('errors', () => {
  it('are told in one word where they are our own, and whole in the log only', async () => {
    const { ask, logged } = await httpWorld({
      readiness: async () => {
        throw new Error('the inner secret of /root/file')
      },
    })
    const answer = await ask('/readyz')
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain('inner secret')
    expect(logged()).toContain('the inner secret of /root/file')
  })

  it('of the infrastructure are 503, of the request 422', async () => {
    const { ask } = await httpWorld({
      readiness: async () => {
        throw new InfraError('host-lost', 'Redis is gone', { hint: 'wait' })
      },
    })
    const ready = await ask('/readyz')
    expect(ready.status).toBe(503)
    expect(await ready.json()).toEqual({ error: { message: 'Redis is gone', hint: 'wait' } })
    const answer = await ask('/api/v1/builds', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ forge: 'gitea', repository: 'mayfly/hello', ref: 'gone' }),
      scopes: ['submit'],
    })
    expect(answer.status).toBe(422)
    expect(await answer.text()).toContain('no such branch or tag')
  })
})

describe('every answer', () => {
  it('carries the security headers', async () => {
    const { ask } = await httpWorld()
    for (const path of ['/healthz', '/', '/api/v1/nothing']) {
      const { headers } = await ask(path)
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('content-security-policy')).not.toContain('unsafe')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN')
    }
  })
})

describe('openapi.json', () => {
  it('lists every route that is served', async () => {
    const { ask, app } = await httpWorld()
    const document = (await (await ask('/api/v1/openapi.json', { scopes: ['read'] })).json()) as {
      openapi: string
      paths: Record<string, Record<string, unknown>>
    }
    expect(document.openapi).toMatch(/^3\./)
    const served = app.routes.filter(
      ({ method, path }) =>
        method !== 'ALL' && /^\/(api\/v1|webhooks)\//.test(path) && !path.endsWith('/openapi.json'),
    )
    expect(served.length).toBeGreaterThan(30)
    for (const { method, path } of served) {
      const written = path.replace(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')
      expect(Object.keys(document.paths[written] ?? {}), written).toContain(method.toLowerCase())
    }
  })
})
