import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConfigError, InfraError } from '../../../config/errors.ts'
import { createApiClient } from '../../../orchestrator/client/api-client.ts'

async function aServer(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('the client', () => {
  it('takes a broken stream up after the last event it had, and ends with it', async () => {
    const asked: (string | undefined)[] = []
    const server = await aServer((request, response) => {
      const last = request.headers['last-event-id'] as string | undefined
      asked.push(last)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const event = (id: number, text: string) =>
        `id: ${id}\nevent: log\ndata: ${JSON.stringify({ text })}\n\n`
      if (last === undefined) {
        response.write(`${event(3, 'é1')}${event(6, 'é2').slice(0, 20)}`)
        setTimeout(() => response.destroy(), 20)
      } else
        response.end(
          `event: ping\ndata: {}\n\n${event(6, 'é2')}id: 6\nevent: end\ndata: {"state":"passed"}\n\n`,
        )
    })
    const events: unknown[] = []
    const { follow } = createApiClient({ server, token: undefined })
    await follow(
      '/jobs/x/log/follow',
      ({ name, data }) => void events.push([name, data]),
      new AbortController().signal,
    )
    expect(asked).toEqual([undefined, '3'])
    expect(events).toEqual([
      ['log', { text: 'é1' }],
      ['ping', {}],
      ['log', { text: 'é2' }],
      ['end', { state: 'passed' }],
    ])
  })

  it('stops following at once when it is told to, also while it waits to connect anew', async () => {
    const server = await aServer((_request, response) => response.destroy())
    const stop = new AbortController()
    const { follow } = createApiClient({ server, token: undefined })
    const following = follow('/x', () => undefined, stop.signal)
    setTimeout(() => stop.abort(), 100)
    const started = performance.now()
    await following
    expect(performance.now() - started).toBeLessThan(600)
  })

  it.each([
    [401, ConfigError],
    [404, ConfigError],
    [422, ConfigError],
    [503, InfraError],
  ])('makes of %i an error of the right family, with the server’s words', async (status, family) => {
    const server = await aServer((request, response) => {
      expect(request.headers.authorization).toBe('Bearer mfy_x')
      response
        .writeHead(status)
        .end(JSON.stringify({ error: { message: 'no such build', hint: 'look again' } }))
    })
    const client = createApiClient({ server: `${server}/`, token: 'mfy_x' })
    const quiet = new AbortController().signal
    const calls = [
      () => client.get('/builds/x'),
      () => client.send('POST', '/builds', {}),
      () => client.text('/l', () => undefined),
    ]
    for (const call of calls) {
      await expect(call()).rejects.toBeInstanceOf(family)
      await expect(call()).rejects.toMatchObject({
        message: expect.stringContaining('no such build'),
        hint: 'look again',
      })
    }
    if (family === ConfigError)
      await expect(client.follow('/x', () => undefined, quiet)).rejects.toBeInstanceOf(family)
  })

  it('says how to start a server where there is none', async () => {
    const { get } = createApiClient({ server: 'http://127.0.0.1:1', token: undefined })
    await expect(get('/builds')).rejects.toMatchObject({
      class: 'host-lost',
      hint: expect.stringContaining('mayfly serve'),
    })
  })
})
