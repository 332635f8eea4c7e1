import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Hono } from 'hono'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import type { HttpEnv } from '../../../orchestrator/http/auth.ts'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import { listen } from '../../../orchestrator/serve/listen.ts'
import { memoryTokens } from '../http/memory-tokens.ts'

const app = new Hono<HttpEnv>()
  .get('/', (context) => context.text('here'))
  .post('/', async (context) =>
    context.req.arrayBuffer().then(
      ({ byteLength }) => context.text(String(byteLength)),
      () => context.text('gone', 400),
    ),
  )

type Limits = Parameters<typeof listen>[0]['limits']

async function start(limits: Limits = {}, connections?: number) {
  const standard = await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })
  const bounds = connections === undefined ? standard.limits : { ...standard.limits, connections }
  const host = { ...standard, limits: bounds, listen: { host: '127.0.0.1', port: 0 } }
  const metrics = createMetrics()
  const log = pino({ level: 'silent' })
  const server = await listen({ app, host, tokens: memoryTokens(), metrics, log, limits })
  onTestFinished(() => server.close())
  return { url: server.url, port: Number(new URL(server.url).port) }
}

async function dial(port: number): Promise<{ socket: Socket; ended: Promise<string> }> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  let said = ''
  socket.on('data', (chunk) => {
    said += chunk.toString('latin1')
  })
  const ended = once(socket, 'close').then(() => said)
  await once(socket, 'connect')
  return { socket, ended }
}

const isWell = async (url: string) => expect(await (await fetch(url)).text()).toBe('here')

describe('a client that', () => {
  it('sends its headers a byte at a time is let go when their time is over', async () => {
    const { url, port } = await start({ headersMs: 1_000, checkMs: 200 })
    const { socket, ended } = await dial(port)
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nX: ')
    const drip = setInterval(() => socket.write('x'), 50)
    onTestFinished(() => clearInterval(drip))
    expect(await ended).toContain('408')
    await isWell(url)
  })

  it('sends a body a byte at a time is let go when its time is over', async () => {
    const { url, port } = await start({ requestMs: 1_000, headersMs: 500, checkMs: 200 })
    const { socket, ended } = await dial(port)
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n')
    const drip = setInterval(() => socket.write('x'), 50)
    onTestFinished(() => clearInterval(drip))
    expect(await ended).toContain('408')
    await isWell(url)
  })

  it.each([
    ['headers of a mebibyte', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(2 ** 20)}\r\n\r\n`, '431'],
    ['ten thousand headers', `GET / HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(10_000)}\r\n`, '431'],
    ['an address of a mebibyte', `GET /${'x'.repeat(2 ** 20)} HTTP/1.1\r\nHost: x\r\n\r\n`, '431'],
    ['no HTTP', '\0\u0001\u0002\u0003 nothing of the kind\r\n\r\n', '400'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx', '400'],
    [
      'a length and chunks, as in request smuggling',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      '400',
    ],
    ['a header that is folded', 'GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n', ''],
  ])('sends %s is refused, and others are served', async (_what, bytes, status) => {
    const { url, port } = await start()
    const { socket, ended } = await dial(port)
    socket.end(bytes)
    expect(await ended).toContain(status)
    await isWell(url)
  })

  it('opens connections without end gets no more than there may be, and room again when it goes', async () => {
    const { url, port } = await start({}, 20)
    const all = await Promise.all(Array.from({ length: 60 }, () => dial(port)))
    await Promise.all(all.slice(20).map(({ ended }) => ended))
    expect(all.filter(({ socket }) => !socket.destroyed)).toHaveLength(20)
    for (const { socket } of all) socket.destroy()
    await expect
      .poll(
        () =>
          isWell(url).then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true)
  })
})
