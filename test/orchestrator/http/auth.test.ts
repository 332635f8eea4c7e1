import { describe, expect, it } from 'vitest'
import { sessionCookie } from '../../../orchestrator/http/auth.ts'
import { httpWorld, publicUrl } from './http-world.ts'

const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } })

describe('a server for which no token was ever made', () => {
  it('lets a caller on this computer do everything', async () => {
    const { app } = await httpWorld()
    expect(
      (await app.request(`${publicUrl}/api/v1/tokens`, { headers: { host: 'localhost:8470' } })).status,
    ).toBe(200)
    expect(
      (await app.request(`${publicUrl}/api/v1/tokens`, { headers: { host: '[::1]:8470' } })).status,
    ).toBe(200)
  })

  it.each(['evil.example:8470', 'localhost.evil.example', '127.0.0.1.evil.example', ''])(
    'refuses the Host header %j, as DNS rebinding would send it',
    async (host) => {
      const { app } = await httpWorld()
      const answer = await app.request(`${publicUrl}/api/v1/builds`, { headers: { host } })
      expect(answer.status).toBe(401)
    },
  )

  it('refuses a caller elsewhere that says it is here, directly or through a proxy', async () => {
    const { app } = await httpWorld()
    const headers = { host: '127.0.0.1:8470' }
    const url = `${publicUrl}/api/v1/builds`
    expect((await app.request(url, { headers }, from('192.0.2.7'))).status).toBe(401)
    expect((await app.request(url, { headers }, from('127.0.0.1'))).status).toBe(200)
    expect((await app.request(url, { headers }, from('::ffff:127.0.0.1'))).status).toBe(200)
    const proxied = { ...headers, 'x-forwarded-for': '192.0.2.7' }
    expect((await app.request(url, { headers: proxied }, from('127.0.0.1'))).status).toBe(401)
  })

  it.each(['https://evil.example', 'http://localhost:3000', 'null'])(
    'refuses what a page of %s has a browser send',
    async (origin) => {
      const { app } = await httpWorld()
      const init = { method: 'POST', headers: { host: '127.0.0.1:8470', origin } }
      expect((await app.request(`${publicUrl}/api/v1/builds/x/cancel`, init)).status).toBe(401)
    },
  )
})

describe('a server with tokens', () => {
  it('wants one, and counts who has none', async () => {
    const { ask, tokens, parts } = await httpWorld()
    await tokens.make({ name: 'first', scopes: ['admin'] })
    const answer = await ask('/api/v1/builds', { headers: { host: '127.0.0.1:8470' } })
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ error: { message: 'expected a token, got none' } })
    expect(await parts.metrics.registry.metrics()).toContain('mayfly_auth_failures_total{reason="missing"} 1')
  })

  it('refuses one it did not make with 401', async () => {
    const { ask } = await httpWorld()
    const answer = await ask('/api/v1/builds', { headers: { authorization: 'Bearer mfy_wrong' } })
    expect(answer.status).toBe(401)
  })

  it.each([
    ['GET', '/api/v1/builds', ['read'], 200],
    ['GET', '/api/v1/builds', ['submit'], 403],
    ['GET', '/api/v1/builds', ['admin'], 200],
    ['POST', '/api/v1/builds/none/cancel', ['read'], 403],
    ['POST', '/api/v1/builds/none/cancel', ['submit'], 404],
    ['POST', '/api/v1/deliveries/none/replay', ['submit'], 404],
    ['GET', '/api/v1/tokens', ['read', 'submit', 'debug'], 403],
    ['GET', '/api/v1/secrets/host', ['read', 'submit'], 403],
    ['DELETE', '/api/v1/repositories/gitea:a/b', ['submit'], 403],
    ['GET', '/metrics', ['submit'], 403],
    ['GET', '/metrics', ['read'], 200],
  ] as const)('answers %s %s with scopes %j by %i', async (method, path, scopes, status) => {
    const { ask } = await httpWorld()
    expect((await ask(path, { method, scopes })).status).toBe(status)
  })

  it('takes the cookie of the login page as the token itself', async () => {
    const { app, tokens } = await httpWorld()
    const { text } = await tokens.make({ name: 'ann', scopes: ['read'] })
    const login = await app.request(`${publicUrl}/login`, {
      method: 'POST',
      headers: { origin: publicUrl, 'content-type': 'application/x-www-form-urlencoded' },
      body: `token=${text}`,
    })
    expect(login.status).toBe(302)
    const cookie = login.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/HttpOnly/)
    expect(cookie).toMatch(/SameSite=Strict/)
    const session = cookie.split(';')[0] ?? ''
    expect((await app.request(`${publicUrl}/api/v1/builds`, { headers: { cookie: session } })).status).toBe(
      200,
    )
  })

  it('leads a browser whose token was revoked to the login page, and lets it log in', async () => {
    const { app, tokens } = await httpWorld()
    const { token, text } = await tokens.make({ name: 'ann', scopes: ['read'] })
    await tokens.make({ name: 'other', scopes: ['read'] })
    await tokens.revoke(token.id)
    const headers = { cookie: `${sessionCookie}=${text}` }
    const page = await app.request(`${publicUrl}/`, { headers })
    expect(page.status).toBe(401)
    expect(await page.text()).toContain('<h1>Log in</h1>')
    expect((await app.request(`${publicUrl}/login`, { headers })).status).toBe(200)
    expect((await app.request(`${publicUrl}/assets/style.css`, { headers })).status).toBe(200)
  })

  it('says of health and badges without a token, and of nothing else', async () => {
    const { ask, tokens } = await httpWorld({ readiness: async () => ({ redis: 'Redis is end' }) })
    await tokens.make({ name: 'first', scopes: ['admin'] })
    expect((await ask('/healthz')).status).toBe(200)
    const ready = await ask('/readyz')
    expect(ready.status).toBe(503)
    expect(await ready.json()).toEqual({ ok: false, faults: { redis: 'Redis is end' } })
    expect((await ask('/badges/gitea/a/b.svg')).status).toBe(200)
    for (const path of ['/metrics', '/', '/queue', '/deliveries', '/images', '/api/v1/queue'])
      expect((await ask(path)).status).toBe(401)
  })
})
