import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createEgressProxy } from '../../../runner/egress/egress-proxy.ts'
import { WayOut } from '../../../runner/egress/way-out.ts'
import { openClient } from '../ssh/open-client.ts'
import { startSshServer } from '../ssh/ssh-server.ts'

const signal = new AbortController().signal
let origin: Server
let port: number

beforeEach(async () => {
  origin = createServer((incoming, response) => response.end(`hello from ${incoming.url}`))
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  port = (origin.address() as AddressInfo).port
})
afterEach(() => {
  origin.closeAllConnections()
  origin.close()
})

function createWayOut(): WayOut {
  const policy = { audit: false, ports: [port] }
  const proxy = createEgressProxy({ policy, resolve: async () => ['127.0.0.1'], refuse: () => undefined })
  const wayOut = new WayOut(proxy)
  onTestFinished(() => wayOut.close())
  return wayOut
}

/** What a program in the guest gets that has the forwarded port as its proxy. */
async function getThrough(proxyPort: number | undefined, path: string): Promise<string> {
  const sent = request({
    host: '127.0.0.1',
    port: proxyPort,
    path: `http://web.test:${port}${path}`,
    agent: false,
  }).end()
  const [response] = await once(sent, 'response')
  return await text(response)
}

describe('the way out of a guest', () => {
  it('carries a request over the SSH connection, by a port that only the guest has', async () => {
    const wayOut = createWayOut()
    expect(wayOut.port).toBeUndefined()
    await wayOut.attach(await openClient(await startSshServer()), signal)
    expect(await getThrough(wayOut.port, '/a')).toBe('hello from /a')
    expect(wayOut.proxy.record()).toMatchObject([{ host: 'web.test', port, requests: 1 }])
  })

  it('carries many at once', async () => {
    const wayOut = createWayOut()
    await wayOut.attach(await openClient(await startSshServer()), signal)
    const paths = Array.from({ length: 20 }, (_, index) => `/${index}`)
    const answers = await Promise.all(paths.map((path) => getThrough(wayOut.port, path)))
    expect(answers).toEqual(paths.map((path) => `hello from ${path}`))
  })

  it('keeps its port over connections, so that the environment of the steps stays true', async () => {
    const wayOut = createWayOut()
    const server = await startSshServer()
    const first = await openClient(server)
    await wayOut.attach(first, signal)
    const before = wayOut.port
    const second = await openClient(server)
    // The guest's sshd has not noticed yet that the first is gone, and still holds the port.
    setTimeout(() => first.destroy(), 100)
    await wayOut.attach(second, signal)
    expect(wayOut.port).toBe(before)
    expect(await getThrough(wayOut.port, '/b')).toBe('hello from /b')
  })

  it('gives up waiting for its port with the reason of the abort', async () => {
    const wayOut = createWayOut()
    const server = await startSshServer()
    await wayOut.attach(await openClient(server), signal)
    const stop = new AbortController()
    const attaching = wayOut.attach(await openClient(server), stop.signal)
    setTimeout(() => stop.abort(new Error('cancelled')), 50)
    await expect(attaching).rejects.toThrow('cancelled')
  })

  it('says what the image lacks where its SSH server forwards nothing', async () => {
    const client = await openClient(await startSshServer({ forwards: false }))
    await expect(createWayOut().attach(client, signal)).rejects.toMatchObject({
      class: 'boot',
      hint: expect.stringContaining('AllowTcpForwarding'),
    })
  })
})
