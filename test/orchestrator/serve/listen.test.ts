import { createConnection, type Socket } from 'node:net'
import { Hono } from 'hono'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import type { HostConfig } from '../../../config/host/host-config.ts'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import type { HttpEnv } from '../../../orchestrator/http/auth.ts'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import { listen } from '../../../orchestrator/serve/listen.ts'
import { memoryTokens } from '../http/memory-tokens.ts'

const app = new Hono<HttpEnv>().get('/', (context) => context.text('here'))
const log = pino({ level: 'silent' })
const metrics = createMetrics()

async function aHost(change: Partial<HostConfig> = {}): Promise<HostConfig> {
  return { ...(await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })), ...change }
}

async function start(host: HostConfig, tokens = memoryTokens()) {
  const server = await listen({ app, host, tokens, metrics, log })
  onTestFinished(() => server.close())
  return server
}

it('AC36: listens on loopback where nothing else is said', async () => {
  const host = await aHost()
  expect(host.listen).toEqual({ host: '127.0.0.1', port: 8470 })
  const { url } = await start({ ...host, listen: { ...host.listen, port: 0 } })
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(await (await fetch(url)).text()).toBe('here')
})

it.each(['0.0.0.0', '::', '192.0.2.1', 'ci.example'])(
  'AC36: refuses to listen on %s without a token',
  async (address) => {
    const host = await aHost({ listen: { host: address, port: 0 }, trustedProxies: ['127.0.0.1'] })
    await expect(start(host)).rejects.toThrow(/expected a token before listening/)
    await expect(start(host)).rejects.toBeInstanceOf(ConfigError)
  },
)

it('AC36: refuses to listen beyond loopback without the proxy that ends TLS, and does with both', async () => {
  const tokens = memoryTokens()
  await tokens.make({ name: 'ann', scopes: ['admin'] })
  const host = await aHost({ listen: { host: '0.0.0.0', port: 0 } })
  await expect(start(host, tokens)).rejects.toThrow(/expected the proxy that ends TLS/)
  const { url } = await start({ ...host, trustedProxies: ['127.0.0.1'] }, tokens)
  expect(await (await fetch(url.replace('0.0.0.0', '127.0.0.1'))).text()).toBe('here')
})

it('says who else has the port', async () => {
  const first = await start(await aHost({ listen: { host: '127.0.0.1', port: 0 } }))
  const taken = await aHost({ listen: { host: '127.0.0.1', port: Number(new URL(first.url).port) } })
  await expect(start(taken)).rejects.toMatchObject({
    hint: expect.stringContaining('another process listens'),
  })
})

it('closes connections beyond `limits.connections` at once, counts them, and takes the next when one ends', async () => {
  const plain = await aHost({ listen: { host: '127.0.0.1', port: 0 } })
  const { url } = await start({ ...plain, limits: { ...plain.limits, connections: 2 } })
  const port = Number(new URL(url).port)
  const connect = () =>
    new Promise<{ socket: Socket; isOpen: boolean }>((resolve) => {
      const socket = createConnection({ host: '127.0.0.1', port })
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => undefined)
      socket.once('close', () => resolve({ socket, isOpen: false }))
      socket.once('data', () => resolve({ socket, isOpen: true }))
      socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    })
  const [first, second] = [await connect(), await connect()]
  expect([first.isOpen, second.isOpen]).toEqual([true, true])
  expect((await connect()).isOpen).toBe(false)
  const text = await metrics.registry.metrics()
  expect(text).toContain('mayfly_limit_reached_total{limit="limits.connections"} 1')
  expect(text).toContain('mayfly_http_connections 2')
  first.socket.destroy()
  await expect.poll(async () => (await connect()).isOpen, { timeout: 10_000 }).toBe(true)
})
