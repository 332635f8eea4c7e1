import { Hono } from 'hono'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import type { HostConfig } from '../../../config/host/host-config.ts'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import type { HttpEnv } from '../../../orchestrator/http/auth.ts'
import { listen } from '../../../orchestrator/serve/listen.ts'
import { memoryTokens } from '../http/memory-tokens.ts'

const app = new Hono<HttpEnv>().get('/', (context) => context.text('here'))
const log = pino({ level: 'silent' })

async function aHost(change: Partial<HostConfig> = {}): Promise<HostConfig> {
  return { ...(await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })), ...change }
}

async function start(host: HostConfig, tokens = memoryTokens()) {
  const server = await listen({ app, host, tokens, log })
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
