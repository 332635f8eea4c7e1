import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EgressProxy, EgressProxyOptions, EgressRequest } from '../../../runner/egress/egress-proxy.ts'
import { createEgressProxy } from '../../../runner/egress/egress-proxy.ts'
import { refuseAddress } from '../../../runner/egress/refuse-address.ts'
import { ask, openClient, readAll, readUntil } from './pipe-pair.ts'

let origin: Server
let port: number
let seen: { url: string | undefined; method: string | undefined; headers: string[]; body: string }[]
let proxies: EgressProxy[]

beforeEach(async () => {
  seen = []
  proxies = []
  origin = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      seen.push({
        url: request.url,
        method: request.method,
        headers: request.rawHeaders,
        body: body.toString('latin1'),
      })
      response.writeHead(200, { 'X-Origin': 'yes', Connection: 'X-Private', 'X-Private': '1' })
      response.end(`hello from ${request.url}`)
    })
  })
  port = await listen(origin)
})
afterEach(() => {
  for (const proxy of proxies) proxy.close()
  origin.closeAllConnections()
  origin.close()
})

/** The real check, but for one port of loopback that stands for the public network. */
function open(options: Partial<EgressProxyOptions> = {}): EgressProxy {
  const proxy = createEgressProxy({
    policy: { audit: false, ports: [80, 443, port] },
    resolve: async () => ['127.0.0.1'],
    refuse: (address, to) => (to === port ? undefined : refuseAddress(address, [])),
    ...options,
  })
  proxies.push(proxy)
  return proxy
}

const get = (url: string, extra = '') =>
  `GET ${url} HTTP/1.1\r\nHost: wrong\r\nConnection: close\r\n${extra}\r\n`

describe('a plain request', () => {
  it('is sent on to its origin with the path and host of its URL', async () => {
    const answer = await ask(open(), get(`http://web.test:${port}/a/b?c=d`))
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/)
    expect(answer).toContain('hello from /a/b?c=d')
    expect(seen[0]?.url).toBe('/a/b?c=d')
    expect(seen[0]?.headers.slice(0, 2)).toEqual(['Host', `web.test:${port}`])
  })

  it('carries no header of the hop in either direction, and none that tells of the proxy', async () => {
    const answer = await ask(
      open(),
      get(`http://web.test:${port}/`, 'Proxy-Authorization: Basic eA==\r\nTE: gzip\r\nAccept: */*\r\n'),
    )
    const names = seen[0]?.headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
    expect(names?.sort()).toEqual(['accept', 'connection', 'host'])
    expect(answer).toContain('X-Origin: yes')
    expect(answer).not.toContain('X-Private')
  })

  it('carries its body, with a length or in chunks, whatever its method', async () => {
    const proxy = open()
    await ask(
      proxy,
      `POST http://web.test:${port}/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nfirst`,
    )
    for (const method of ['POST', 'GET']) {
      await ask(
        proxy,
        `${method} http://web.test:${port}/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\n`,
      )
    }
    await ask(proxy, `POST http://web.test:${port}/3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(seen.map(({ method, url, body }) => `${method} ${url} ${body}`)).toEqual([
      'POST /1 first',
      'POST /2 second',
      'GET /2 second',
      'POST /3 ',
    ])
  })

  it('shares a kept connection with those before it', async () => {
    const client = await openClient(open())
    for (const path of ['one', 'two', 'three']) {
      client.write(`GET http://web.test:${port}/${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
      expect(await readUntil(client, new RegExp(`hello from /${path}`))).toContain('200 OK')
    }
    client.destroy()
    expect(seen.map(({ url }) => url)).toEqual(['/one', '/two', '/three'])
  })

  it('is asked anew when the origin has closed the kept connection meanwhile', async () => {
    const client = await openClient(open())
    client.write(`GET http://web.test:${port}/one HTTP/1.1\r\nHost: x\r\n\r\n`)
    await readUntil(client, /hello from \/one/)
    origin.closeAllConnections()
    client.write(`GET http://web.test:${port}/two HTTP/1.1\r\nHost: x\r\n\r\n`)
    expect(await readUntil(client, /hello from \/two/)).toContain('200 OK')
    client.destroy()
  })

  it('goes to the next address when the first does not answer', async () => {
    const proxy = open({ resolve: async () => ['127.0.0.2', '127.0.0.1'] })
    const answer = await ask(
      proxy,
      `POST http://web.test:${port}/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi`,
    )
    expect(answer).toContain('200 OK')
    expect(seen[0]?.body).toBe('hi')
  })

  it('gets 502 and a sentence when nobody listens there', async () => {
    const closed = await freePort()
    const proxy = open({ policy: { audit: false, ports: [closed] }, refuse: () => undefined })
    expect(await ask(proxy, get(`http://web.test:${closed}/`))).toMatch(
      /502 Bad Gateway[\s\S]*web.test:\d+ was not reached: .*ECONNREFUSED/,
    )
  })

  it('gets 502 when the name is unknown', async () => {
    const proxy = open({
      resolve: async () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })),
    })
    expect(await ask(proxy, get('http://nowhere.test/'))).toMatch(
      /502 [\s\S]*the name was not found \(ENOTFOUND\)/,
    )
  })

  it('gets a broken connection, not a complete answer, when the origin breaks off', async () => {
    origin.removeAllListeners('request')
    origin.on('request', (_request, response) => {
      response.writeHead(200, { 'Content-Length': 100 })
      response.write('half', () => response.destroy())
    })
    const answer = await ask(open(), get(`http://web.test:${port}/`))
    expect(answer.endsWith('half') || answer === '').toBe(true)
  })

  it('gets 502 when the origin answers with something that is no HTTP', async () => {
    const strange = createTcpServer((socket) => socket.end('220 mail ready\r\n'))
    const at = await listen(strange)
    const proxy = open({ policy: { audit: false, ports: [at] }, refuse: () => undefined })
    expect(await ask(proxy, get(`http://web.test:${at}/`))).toContain('502 Bad Gateway')
    strange.close()
  })

  it('lets the origin know when its client has gone', async () => {
    let closed = false
    origin.removeAllListeners('request')
    origin.on('request', (_request, response) => {
      response.write('first')
      response.on('close', () => {
        closed = true
      })
    })
    const client = await openClient(open())
    client.write(get(`http://web.test:${port}/`))
    await readUntil(client, /first/)
    client.destroy()
    await vi.waitFor(() => expect(closed).toBe(true))
  })
})

describe('a tunnel', () => {
  it('carries bytes both ways, those sent early among them, and ends with both ends', async () => {
    const echo = createTcpServer((socket) => socket.pipe(socket))
    const at = await listen(echo)
    const proxy = open({ policy: { audit: false, ports: [at] }, refuse: () => undefined })
    const client = await openClient(proxy)
    client.write(`CONNECT web.test:${at} HTTP/1.1\r\nHost: web.test:${at}\r\n\r\nearly`)
    client.end(' and late')
    expect(await readAll(client)).toBe('HTTP/1.1 200 Connection established\r\n\r\nearly and late')
    expect(proxy.record()).toMatchObject([
      { host: 'web.test', port: at, requests: 1, bytesSent: 14, bytesReceived: 14, refused: undefined },
    ])
    echo.close()
  })

  it('breaks when its client goes', async () => {
    let closed = false
    const silent = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('close', () => {
        closed = true
      })
      socket.resume()
    })
    const at = await listen(silent)
    const client = await openClient(open({ policy: { audit: false, ports: [at] }, refuse: () => undefined }))
    client.write(`CONNECT web.test:${at} HTTP/1.1\r\n\r\n`)
    await readUntil(client, /established/)
    client.destroy()
    await vi.waitFor(() => expect(closed).toBe(true))
    silent.close()
  })

  it('gets 502 when nobody listens there', async () => {
    const closed = await freePort()
    const proxy = open({ policy: { audit: false, ports: [closed] }, refuse: () => undefined })
    expect(await ask(proxy, `CONNECT web.test:${closed} HTTP/1.1\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 502 [\s\S]*ECONNREFUSED/,
    )
  })

  it('moves 20 MB unchanged to a reader who pauses, without keeping it in memory', async () => {
    const body = randomBytes(20_000_000)
    let written = 0
    const source = createTcpServer((socket) => {
      const send = (): void => {
        while (written < body.length) {
          const part = body.subarray(written, written + 65536)
          written += part.length
          if (!socket.write(part)) return void socket.once('drain', send)
        }
        socket.end()
      }
      send()
    })
    const at = await listen(source)
    const client = await openClient(open({ policy: { audit: false, ports: [at] }, refuse: () => undefined }))
    client.write(`CONNECT web.test:${at} HTTP/1.1\r\n\r\n`)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(written).toBeLessThan(body.length)
    const chunks: Buffer[] = []
    for await (const chunk of client) chunks.push(chunk as Buffer)
    const received = Buffer.concat(chunks)
    expect(sha256(received.subarray(received.indexOf('\r\n\r\n') + 4))).toBe(sha256(body))
    source.close()
  })
})

describe('large bodies of plain requests', () => {
  it('come and go unchanged and are counted', async () => {
    const body = randomBytes(5_000_000)
    let received = ''
    origin.removeAllListeners('request')
    origin.on('request', (request, response) => {
      void bodyOf(request).then((bytes) => {
        received = sha256(bytes)
        response.end(bytes)
      })
    })
    const proxy = open()
    const client = await openClient(proxy)
    client.write(
      `PUT http://web.test:${port}/up HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
    )
    client.write(body)
    const chunks: Buffer[] = []
    for await (const chunk of client) chunks.push(chunk as Buffer)
    const answer = Buffer.concat(chunks)
    expect(received).toBe(sha256(body))
    expect(answer.length).toBeGreaterThan(body.length)
    expect(proxy.record()[0]).toMatchObject({ bytesSent: body.length, bytesReceived: body.length })
  })
})

describe('what is refused', () => {
  it.each([
    ['loopback by number', '127.0.0.1'],
    ['loopback as one decimal number', '2130706433'],
    ['loopback in octal', '0177.0.0.1'],
    ['loopback in hexadecimal', '0x7f.0.0.1'],
    ['loopback with a trailing dot', '127.0.0.1.'],
    ['loopback in IPv6', '[::1]'],
    ['loopback mapped into IPv6', '[::ffff:127.0.0.1]'],
    ["the guest's name for its host", '10.0.2.2'],
    ['the metadata service', '169.254.169.254'],
  ])('is %s, with 403 and a sentence, on both ways', async (_title, host) => {
    const proxy = createEgressProxy({ policy: { audit: false } })
    proxies.push(proxy)
    for (const raw of [get(`http://${host}/`), `CONNECT ${host}:443 HTTP/1.1\r\n\r\n`]) {
      const answer = await ask(proxy, raw)
      expect(answer).toMatch(/^HTTP\/1.1 403 Forbidden\r\nContent-Type: text\/plain/)
      expect(answer).toMatch(/mayfly: .* was refused: .* is (a|the|an) .*\n$/)
    }
    expect(proxy.record().every(({ refused }) => refused !== undefined)).toBe(true)
  })

  it('is a name that resolves to loopback, by this very computer too', async () => {
    const proxy = createEgressProxy({ policy: { audit: false } })
    proxies.push(proxy)
    expect(await ask(proxy, get('http://localhost/'))).toMatch(
      /403 [\s\S]*localhost:80 was refused: .* is a loopback address/,
    )
  })

  it('is a network that the host is attached to', async () => {
    const proxy = createEgressProxy({ policy: { audit: false }, hostNetworks: () => ['203.0.113.9/24'] })
    proxies.push(proxy)
    expect(await ask(proxy, get('http://203.0.113.77/'))).toContain('a network that this host is attached to')
  })

  it('is a name on its second answer too: the address that was checked is the one connected to', async () => {
    const answers = [['127.0.0.1'], ['10.0.0.1']]
    const proxy = open({ resolve: async () => answers.shift() ?? [] })
    expect(await ask(proxy, get(`http://rebind.test:${port}/`))).toContain('200 OK')
    expect(answers).toHaveLength(1)
    const strict = open({
      resolve: async () => ['10.0.0.1'],
      refuse: (address) => refuseAddress(address, []),
    })
    expect(await ask(strict, get('http://rebind.test/'))).toContain('10.0.0.1 is a private address')
  })

  it('is not the public address among private ones', async () => {
    const proxy = open({
      resolve: async () => ['10.0.0.1', '127.0.0.1'],
      refuse: (address) => (address === '127.0.0.1' ? undefined : refuseAddress(address, [])),
    })
    expect(await ask(proxy, get(`http://both.test:${port}/`))).toContain('200 OK')
  })

  it('is a host outside the allow-list, whose name is not even looked up', async () => {
    let lookups = 0
    const resolve = async () => {
      lookups++
      return ['127.0.0.1']
    }
    const proxy = open({ policy: { audit: false, allow: ['good.test:*', `good.test:${port}`] }, resolve })
    expect(await ask(proxy, get(`http://good.test:${port}/`))).toContain('200 OK')
    expect(await ask(proxy, get(`http://bad.test:${port}/`))).toMatch(
      /403 [\s\S]*bad.test:\d+ was refused: the host is not on the allow-list/,
    )
    expect(lookups).toBe(1)
  })

  it('is let through and recorded in audit mode', async () => {
    const requests: EgressRequest[] = []
    const proxy = open({
      policy: { audit: true, allow: ['good.test'] },
      onRequest: (request) => requests.push(request),
    })
    expect(await ask(proxy, get(`http://bad.test:${port}/`))).toContain('200 OK')
    expect(proxy.record()).toMatchObject([{ host: 'bad.test', outsideAllowList: true, refused: undefined }])
    expect(requests).toEqual([{ method: 'GET', host: 'bad.test', port, refused: undefined }])
  })

  it('is a closed port', async () => {
    expect(await ask(open(), 'CONNECT mail.test:25 HTTP/1.1\r\n\r\n')).toMatch(
      /403 [\s\S]*port 25 is not open/,
    )
  })
})

describe('what is no proxy request', () => {
  it.each([
    [
      'a path alone',
      'GET /index.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      /400 [\s\S]*this is a proxy: expected an absolute URL/,
    ],
    ['a URL with a password', get('http://u:p@web.test/'), /400 [\s\S]*without user name and password/],
    ['port 0', 'CONNECT web.test:0 HTTP/1.1\r\n\r\n', /400 [\s\S]*a port from 1 to 65535/],
    ['a port beyond 65535', get('http://web.test:65536/'), /400 /],
    ['a zone id', 'CONNECT [fe80::1%25lo]:443 HTTP/1.1\r\n\r\n', /400 /],
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9\r\n\r\n', /400 [\s\S]*expected an HTTP\/1.1 request/],
    [
      'two lengths',
      `POST http://web.test/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
      /400 /,
    ],
    [
      'a length and chunks',
      `POST http://web.test/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      /400 /,
    ],
    ['a header over many kilobytes', get('http://web.test/', `X: ${'y'.repeat(40_000)}\r\n`), /400 /],
  ])('%s gets 400 and a sentence', async (_title, raw, expected) => {
    expect(await ask(open(), raw)).toMatch(expected)
    expect(seen).toEqual([])
  })
})

describe('the limits', () => {
  it('answer 503 to a connection beyond the number', async () => {
    const proxy = open({ limits: { connections: 2 } })
    const held = [await openClient(proxy), await openClient(proxy)]
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await ask(proxy, get(`http://web.test:${port}/`))).toMatch(/503 [\s\S]*at most 2 connections/)
    held[0]?.destroy()
    await vi.waitFor(async () =>
      expect(await ask(proxy, get(`http://web.test:${port}/`))).toContain('200 OK'),
    )
    held[1]?.destroy()
  })

  it('end a connection on which nothing moves, but not one on which something does', async () => {
    let ticks = 0
    const slow = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      const timer = setInterval(() => socket.write(`${++ticks},`), 30)
      socket.on('close', () => clearInterval(timer))
    })
    const at = await listen(slow)
    const proxy = open({
      policy: { audit: false, ports: [at] },
      refuse: () => undefined,
      limits: { idle: 150 },
    })
    const idle = await openClient(proxy)
    const busy = await openClient(proxy)
    busy.write(`CONNECT web.test:${at} HTTP/1.1\r\n\r\n`)
    expect(await readAll(idle)).toBe('')
    await readUntil(busy, /,12,/)
    busy.destroy()
    slow.close()
  })

  it('keep the record short, however many names a guest makes up', async () => {
    const proxy = open({ policy: { audit: false, allow: [] }, limits: { connections: 2000 } })
    const requests = Array.from(
      { length: 1100 },
      (_, index) => `GET http://h${index}.test/ HTTP/1.1\r\nHost: x\r\n\r\n`,
    )
    for (const raw of requests) proxy.accept(oneRequest(raw))
    await vi.waitFor(
      () => expect(proxy.record().reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThan(1000),
      10_000,
    )
    expect(proxy.record().length).toBeLessThanOrEqual(1001)
  })

  it('do not hold a connection when the proxy closes', async () => {
    const proxy = open()
    const client = await openClient(proxy)
    await new Promise((resolve) => setTimeout(resolve, 10))
    proxy.close()
    expect(await readAll(client)).toBe('')
  })
})

it('serves a stream that is no socket, as an SSH channel is none', async () => {
  const toProxy = new PassThrough()
  const fromProxy = new PassThrough()
  open().accept(Duplex.from({ readable: toProxy, writable: fromProxy }))
  toProxy.write(`GET http://web.test:${port}/channel HTTP/1.1\r\nHost: x\r\n\r\n`)
  let text = ''
  for await (const chunk of fromProxy) {
    text += (chunk as Buffer).toString()
    if (text.includes('hello from /channel')) break
  }
  expect(text).toContain('200 OK')
})

function oneRequest(raw: string): Duplex {
  return new Duplex({
    read() {
      this.push(raw)
      this.push(null)
    },
    write: (_chunk, _encoding, done) => done(),
  })
}

async function listen(server: {
  listen(port: number, host: string, done: () => void): unknown
  address(): unknown
}): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function freePort(): Promise<number> {
  const server = createTcpServer()
  const free = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return free
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

describe('a limit', () => {
  const policy = (allow: string[], audit = false) => ({ allow, audit, ports: [port] })

  it('that is offline refuses with the reason, until it is taken away', async () => {
    const proxy = open()
    proxy.limit({ isOffline: true })
    expect(await ask(proxy, get(`http://web.test:${port}/`))).toContain('this step has no network')
    expect(await ask(proxy, `CONNECT web.test:${port} HTTP/1.1\r\n\r\n`)).toContain('403')
    expect(seen).toEqual([])
    expect(proxy.record()).toMatchObject([
      { host: 'web.test', requests: 2, refused: 'this step has no network' },
    ])
    proxy.limit({})
    expect(await ask(proxy, get(`http://web.test:${port}/`))).toContain('hello from /')
  })

  it('that is offline ends the tunnels that are open', async () => {
    const proxy = open()
    const client = await openClient(proxy)
    client.write(`CONNECT web.test:${port} HTTP/1.1\r\n\r\n`)
    await readUntil(client, /200 Connection established/)
    proxy.limit({ isOffline: true })
    client.write('GET / HTTP/1.1\r\nHost: web.test\r\n\r\n')
    expect(await readAll(client)).toBe('')
    expect(seen).toEqual([])
  })

  it('that comes while a name is looked up counts', async () => {
    let found: (addresses: string[]) => void = () => undefined
    const proxy = open({ resolve: () => new Promise((resolve) => (found = resolve)) })
    const answer = ask(proxy, get(`http://web.test:${port}/`))
    await vi.waitFor(() => expect(found.name).not.toBe(''))
    await new Promise((resolve) => setTimeout(resolve, 50))
    proxy.limit({ isOffline: true })
    found(['127.0.0.1'])
    expect(await answer).not.toContain('hello')
    expect(seen).toEqual([])
  })

  it('with a policy narrows that of the host, and never widens it', async () => {
    const proxy = open({ policy: { ...policy(['a.test', 'b.test']), deny: ['denied.test'] } })
    const reaches = async (host: string) =>
      (await ask(proxy, get(`http://${host}:${port}/`))).includes('hello from')
    proxy.limit({ policy: policy(['b.test', 'c.test', 'denied.test']) })
    expect([await reaches('a.test'), await reaches('b.test'), await reaches('c.test')]).toEqual([
      false,
      true,
      false,
    ])
    proxy.limit({ policy: policy([], true) })
    expect([await reaches('a.test'), await reaches('c.test'), await reaches('denied.test')]).toEqual([
      true,
      false,
      false,
    ])
    expect(proxy.record().find(({ host }) => host === 'a.test')?.outsideAllowList).toBe(true)
  })
})
