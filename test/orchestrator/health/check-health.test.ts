import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import { awaitHealth, checkHealth } from '../../../orchestrator/health/check-health.ts'
import { createHosts } from '../../../orchestrator/hosts/hosts.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

const standard = await loadHostConfig({ env: {}, standardFile: '/nowhere' })

describe('checkHealth of a web server', () => {
  let status = 200
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/readyz' ? status : 404).end('{"faults":{"redis":"Redis is end"}}')
  })
  afterEach(() => server.close())

  it('finds nothing where it is ready, what it says where it is not, and that nobody answers', async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    // As in a container: it listens on every address.
    const host = { ...standard, listen: { host: '0.0.0.0', port } }
    expect(await checkHealth('web', host)).toBeUndefined()
    status = 503
    expect(await checkHealth('web', host)).toContain('answered 503: {"faults":{"redis":"Redis is end"}}')
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    const url = `http://127.0.0.1:${port}/readyz`
    const refused = `no answer from ${url}: connect ECONNREFUSED 127.0.0.1:${port}`
    // The first one may still try the connection of the one before.
    expect(await checkHealth('web', host)).toContain(`no answer from ${url}: `)
    expect(await awaitHealth('web', host, 1200)).toBe(refused)
    const late = awaitHealth('web', host, 60_000)
    await sleep(700)
    status = 200
    server.listen(port, '127.0.0.1')
    expect(await late).toBeUndefined()
  })
})

describe('checkHealth of a worker', () => {
  let redis: RealRedis
  let time: Date
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())
  beforeEach(async () => {
    await redis.connect().flushall()
    time = new Date()
  })

  const announce = async (name: string) => {
    const nothing = { total: 0, taken: 0 }
    const hosts = createHosts({ redis: redis.connect(), prefix: 'mayfly', now: () => time })
    await hosts.announce({ name, cpus: nothing, memory: nothing, running: [] })
  }
  const check = () => checkHealth('worker', { ...standard, redis: `unix://${redis.socket}` })

  it('finds nothing while it says that it lives', async () => {
    await announce(`${hostname()}-7`)
    expect(await check()).toBeUndefined()
  })

  it('does not take the worker of another host for this one', async () => {
    await announce(`other-${hostname()}-7`)
    expect(await check()).toBe(`no worker of ${hostname()} has announced itself`)
  })

  it('says since when it was not heard of', async () => {
    time = new Date(Date.now() - 3_600_000)
    await announce(`${hostname()}-7`)
    expect(await check()).toBe(`the worker of ${hostname()} was last heard of at ${time.toISOString()}`)
  })

  it('says that no worker is without a Redis that is named', async () => {
    expect(await checkHealth('worker', standard)).toContain('expected `redis:` in the host file')
  })
})
