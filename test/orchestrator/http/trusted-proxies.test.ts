import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import fc from 'fast-check'
import { Hono } from 'hono'
import { describe, expect, it, onTestFinished } from 'vitest'
import { clientAddress } from '../../../orchestrator/http/client-address.ts'
import { plainAddress, trustedProxies } from '../../../orchestrator/http/trusted-proxies.ts'
import { httpWorld, publicUrl } from './http-world.ts'

const url = `${publicUrl}/api/v1/builds`
const proxy = '10.0.0.1'

/** A request as the peer `remoteAddress` sends it. */
const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } })

async function world(proxies: readonly string[] = [proxy, 'fd00::/8']) {
  const made = await httpWorld({ trustedProxies: proxies })
  await made.tokens.make({ name: 'first', scopes: ['admin'] })
  const status = async (peer: string, headers: Record<string, string> = {}) =>
    (await made.app.request(url, { headers }, from(peer))).status
  const exhaust = async (peer: string, headers: Record<string, string>) => {
    for (let time = 0; time < 30; time++) expect(await status(peer, headers)).toBe(401)
  }
  return { ...made, status, exhaust }
}

/** What `clientAddress` says of a request. */
async function addressOf(peer: string, headers: Record<string, string>, proxies = [proxy, '10.1.0.0/16']) {
  const isTrusted = trustedProxies(proxies)
  const app = new Hono().get('/', (context) => context.json(clientAddress(context, isTrusted) ?? 'none'))
  return await (await app.request('/', { headers }, from(peer))).json()
}

describe('limitFailures behind a trusted proxy', () => {
  it('counts the address that the proxy saw, so that one client locks out no other', async () => {
    const { status, exhaust } = await world()
    await exhaust(proxy, { 'x-forwarded-for': '192.0.2.1' })
    expect(await status(proxy, { 'x-forwarded-for': '192.0.2.1' })).toBe(429)
    expect(await status(proxy, { 'x-forwarded-for': '192.0.2.2' })).toBe(401)
    expect(await status('192.0.2.1')).toBe(429)
  })

  it('gives nobody a new address for what they write into the header themselves', async () => {
    const { status, exhaust } = await world()
    await exhaust(proxy, { 'x-forwarded-for': '192.0.2.1' })
    for (let guess = 0; guess < 5; guess++)
      expect(await status(proxy, { 'x-forwarded-for': `203.0.113.${guess}, 192.0.2.1` })).toBe(429)
  })

  it('never believes the header from anybody else', async () => {
    const { status, exhaust } = await world()
    await exhaust('192.0.2.9', { 'x-forwarded-for': '203.0.113.1' })
    expect(await status('192.0.2.9', { 'x-forwarded-for': '203.0.113.2' })).toBe(429)
    expect(await status('192.0.2.9', { forwarded: 'for=203.0.113.3' })).toBe(429)
    // Nor does it fall on the one who was named.
    expect(await status('203.0.113.1')).toBe(401)
  })

  it('holds over real connections, with this computer as the proxy', async () => {
    const made = await world(['127.0.0.1'])
    const send = await served(made.app)
    const ask = (client: string) => send({ path: '/api/v1/builds', client })
    for (let time = 0; time < 30; time++) expect(await ask('192.0.2.1')).toBe(401)
    expect([await ask('192.0.2.1'), await ask('192.0.2.2')]).toEqual([429, 401])
  })

  it('is recorded as the address of a webhook call, from a proxy only', async () => {
    const remotes: string[] = []
    for (const proxies of [['127.0.0.0/8'], ['10.0.0.1']]) {
      const { app } = await httpWorld({
        trustedProxies: proxies,
        deliveries: {
          receive: async ({ remote }) => {
            remotes.push(remote)
            return { status: 202, body: { verdict: 'accepted' } }
          },
          replay: async () => undefined,
          explain: async () => undefined,
        },
      })
      const send = await served(app)
      expect(await send({ path: '/webhooks/gitea', client: '192.0.2.1', body: '{}' })).toBe(202)
    }
    expect(remotes).toEqual(['192.0.2.1', '127.0.0.1'])
  })
})

type Sent = { path: string; client: string; body?: string }

/** A server of this computer, and how to ask it as the proxy of a client; gives the status. */
async function served(app: { fetch: Parameters<typeof getRequestListener>[0] }) {
  const server = createServer(getRequestListener(app.fetch))
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return ({ path, client, body }: Sent) =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'x-forwarded-for': client, 'content-type': 'application/json' }
      const method = body === undefined ? 'GET' : 'POST'
      const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
      sent.once('response', (answer) => {
        answer.resume()
        answer.once('end', () => resolve(answer.statusCode))
      })
      sent.once('error', reject)
      sent.end(body)
    })
}

describe('clientAddress', () => {
  const cases: [string, Record<string, string>, string][] = [
    ['is the peer where the proxy says nothing', {}, proxy],
    [
      'skips trusted proxies from the right',
      { 'x-forwarded-for': '192.0.2.1, 10.1.2.3,10.0.0.1' },
      '192.0.2.1',
    ],
    [
      'is the first proxy where there are only proxies',
      { 'x-forwarded-for': '10.1.2.3, 10.0.0.1' },
      '10.1.2.3',
    ],
    ['reads a port', { 'x-forwarded-for': '192.0.2.1:4711' }, '192.0.2.1'],
    ['reads IPv6', { 'x-forwarded-for': '2001:db8::1' }, '2001:db8::1'],
    ['knows an IPv4 address in IPv6', { 'x-forwarded-for': '::ffff:192.0.2.1' }, '192.0.2.1'],
    ['stops at what is no address', { 'x-forwarded-for': '192.0.2.1, unknown, 10.1.2.3' }, '10.1.2.3'],
    ['is the peer where the last hop is no address', { 'x-forwarded-for': '192.0.2.1, _hidden' }, proxy],
    ['reads Forwarded', { forwarded: 'for=192.0.2.1;proto=https;by=10.0.0.1' }, '192.0.2.1'],
    ['reads quotes and ports', { forwarded: 'for=1.1.1.1, For="[2001:db8::1]:4711"' }, '2001:db8::1'],
    ['is not led by commas in quotes', { forwarded: 'for=192.0.2.7;ext="a, for=192.0.2.8"' }, '192.0.2.7'],
    [
      'believes neither of two headers that differ',
      { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.2' },
      proxy,
    ],
    [
      'believes two that agree',
      { 'x-forwarded-for': '1.1.1.1, 192.0.2.1', forwarded: 'for=192.0.2.1' },
      '192.0.2.1',
    ],
  ]
  it.each(cases)('%s', async (_title, headers, expected) => {
    expect(await addressOf(proxy, headers)).toBe(expected)
  })

  it('is what the proxy wrote, whatever the client wrote before it', async () => {
    const junk = fc.string({ maxLength: 60 }).map((text) => text.replaceAll(/[^\x21-\x7e]/g, ''))
    await fc.assert(
      fc.asyncProperty(junk, async (text) => {
        expect(await addressOf(proxy, { 'x-forwarded-for': `${text}, 192.0.2.1` })).toBe('192.0.2.1')
        expect(await addressOf('192.0.2.9', { 'x-forwarded-for': text, forwarded: text })).toBe('192.0.2.9')
      }),
    )
  })
})

describe('trustedProxies', () => {
  it('knows addresses and networks of both families, in whatever form they come', () => {
    const isTrusted = trustedProxies(['10.0.0.1', '192.168.0.0/16', 'fd00::/8'])
    const trusted = [
      '10.0.0.1',
      '::ffff:10.0.0.1',
      '192.168.200.1',
      'fd00::7',
      '[fd00::7]:80',
      'fdff::1%eth0',
    ]
    expect(trusted.filter((address) => !isTrusted(address))).toEqual([])
    expect(['10.0.0.2', '192.169.0.1', 'fe80::1', 'unknown', ''].filter(isTrusted)).toEqual([])
    expect(trustedProxies([])('127.0.0.1')).toBe(false)
  })

  it('takes no name for an address', () => {
    expect(['localhost', '', '1.2.3', '1.2.3.4.5', '::g', 'for=1.2.3.4'].map(plainAddress)).toEqual(
      Array(6).fill(undefined),
    )
  })
})
