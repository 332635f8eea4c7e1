import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { waitForBanner } from '../../../runner/ssh/wait-for-banner.ts'

const banner = 'SSH-2.0-test\r\n'

/** A server on loopback that does with each connection, by its number from 1, what it is told. */
async function listen(onSocket: (socket: Socket, number: number) => void, port = 0) {
  const open = new Set<Socket>()
  let count = 0
  const server: Server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.resume()
    socket.once('close', () => open.delete(socket))
    onSocket(socket, ++count)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, open, count: () => count, server }
}

const patience = () => AbortSignal.timeout(10_000)

async function firstBytes(socket: Socket): Promise<string> {
  onTestFinished(() => void socket.destroy())
  const [chunk] = await once(socket, 'data')
  return String(chunk)
}

describe('waitForBanner', () => {
  it('gives a socket whose banner is still unread', async () => {
    const { port } = await listen((socket) => socket.write(banner))
    expect(await firstBytes(await waitForBanner({ port, signal: patience() }))).toBe(banner)
  })

  it('waits for a banner that comes late', async () => {
    const { port, count } = await listen((socket) => setTimeout(() => socket.write(banner), 300))
    expect(await firstBytes(await waitForBanner({ port, signal: patience() }))).toBe(banner)
    expect(count()).toBe(1)
  })

  it('does not take a connection that is accepted and silent for a server, but overtakes it', async () => {
    const { port, open } = await listen((socket, number) => number > 1 && socket.write(banner))
    const socket = await waitForBanner({ port, signal: patience() })
    expect(await firstBytes(socket)).toBe(banner)
    await expect.poll(() => open.size).toBe(1)
  })

  it('tries again while connections are closed without a word', async () => {
    const { port, count } = await listen((socket, number) =>
      number < 4 ? socket.end() : socket.write(banner),
    )
    expect(await firstBytes(await waitForBanner({ port, signal: patience() }))).toBe(banner)
    expect(count()).toBe(4)
  })

  it('tries again while nobody listens', async () => {
    const first = await listen(() => undefined)
    await new Promise((resolve) => first.server.close(resolve))
    const waiting = waitForBanner({ port: first.port, signal: patience() })
    await sleep(200)
    await listen((socket) => socket.write(banner), first.port)
    expect(await firstBytes(await waiting)).toBe(banner)
  })

  it('has at most three silent connections open at a time', async () => {
    const { port, open } = await listen(() => undefined)
    const stop = new AbortController()
    const waiting = waitForBanner({ port, signal: stop.signal })
    waiting.catch(() => undefined)
    await expect.poll(() => open.size, { timeout: 5000 }).toBe(3)
    await sleep(700)
    expect(open.size).toBe(3)
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })

  it('rejects with the reason of the abort and leaves no connection open', async () => {
    const { port, open } = await listen(() => undefined)
    const stop = new AbortController()
    const waiting = waitForBanner({ port, signal: stop.signal })
    await expect.poll(() => open.size).toBe(1)
    stop.abort(new Error('cancelled'))
    await expect(waiting).rejects.toThrow('cancelled')
    await expect.poll(() => open.size).toBe(0)
  })

  it('does not begin where it is aborted already', async () => {
    const { port, count } = await listen((socket) => socket.write(banner))
    await expect(waitForBanner({ port, signal: AbortSignal.abort(new Error('never')) })).rejects.toThrow(
      'never',
    )
    expect(count()).toBe(0)
  })
})
