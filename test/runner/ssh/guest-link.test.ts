import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'ssh2'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { exec } from '../../../runner/ssh/exec.ts'
import { GuestLink } from '../../../runner/ssh/guest-link.ts'
import { openClient } from './open-client.ts'
import { type SshServer, startSshServer } from './ssh-server.ts'

const signal = new AbortController().signal

function linkTo({ port, login }: Pick<SshServer, 'port' | 'login'>, options: { reconnectMs?: number } = {}) {
  const connected: Client[] = []
  const link = new GuestLink({
    port: () => port,
    login,
    onConnect: async (client) => void connected.push(client),
    ...options,
  })
  onTestFinished(() => link.close())
  return { link, connected }
}

const works = async (client: Client) => (await exec({ client, command: 'exit 7', signal })).code === 7

describe('the connection to a guest', () => {
  it('is the one that was adopted, as long as it holds', async () => {
    const server = await startSshServer()
    const { link, connected } = linkTo(server)
    const client = await openClient(server)
    await link.adopt(client, signal)
    expect(await link.connection(signal)).toBe(client)
    expect(connected).toEqual([client])
    expect(server.logins()).toBe(1)
  })

  it('is made anew when it broke, and set up again', async () => {
    const server = await startSshServer()
    const { link, connected } = linkTo(server)
    const first = await openClient(server)
    await link.adopt(first, signal)
    const closed = once(first, 'close')
    server.drop()
    await closed
    const second = await link.connection(signal)
    expect(second).not.toBe(first)
    expect(await works(second)).toBe(true)
    expect(connected).toEqual([first, second])
  })

  it('that was dropped is not given again, even before it has closed', async () => {
    const server = await startSshServer()
    const { link } = linkTo(server)
    const first = await link.connection(signal)
    link.drop(first)
    const second = await link.connection(signal)
    expect(second).not.toBe(first)
    expect(await works(second)).toBe(true)
  })

  it('stays when an older one closes or is dropped', async () => {
    const server = await startSshServer()
    const { link } = linkTo(server)
    const first = await link.connection(signal)
    const closed = once(first, 'close')
    link.drop(first)
    const second = await link.connection(signal)
    await closed
    link.drop(first)
    expect(await link.connection(signal)).toBe(second)
    expect(server.logins()).toBe(2)
  })

  it('is shared by all who ask while it is being made', async () => {
    const server = await startSshServer()
    const { link } = linkTo(server)
    const [one, two] = await Promise.all([link.connection(signal), link.connection(signal)])
    expect(one).toBe(two)
    expect(server.logins()).toBe(1)
  })

  it('is waited for while the guest’s sshd starts again', async () => {
    const server = await startSshServer()
    const { link } = linkTo(server)
    const closed = once(await link.connection(signal), 'close')
    await server.close()
    await closed
    const waiting = link.connection(signal)
    await sleep(150)
    const again = await startSshServer({ port: server.port, keys: server.keys })
    expect(await works(await waiting)).toBe(true)
    expect(again.logins()).toBe(1)
  })

  it('is tried again within the time when the guest breaks off before it serves', async () => {
    const server = await startSshServer()
    let tries = 0
    const link = new GuestLink({
      port: () => server.port,
      login: server.login,
      onConnect: async (client) => {
        tries++
        if (tries > 2) return
        server.drop()
        await once(client, 'close')
        throw new Error('broken off')
      },
    })
    onTestFinished(() => link.close())
    expect(await works(await link.connection(signal))).toBe(true)
    expect(tries).toBe(3)
  })

  it('that nobody gives within the time is lost', async () => {
    const server = await startSshServer()
    await server.close()
    const { link } = linkTo(server, { reconnectMs: 200 })
    const error = await link.connection(signal).catch((fault: unknown) => fault)
    expect(error).toBeInstanceOf(InfraError)
    expect(error).toMatchObject({ class: 'ssh-lost', message: expect.stringContaining('within 0.2 s') })
  })

  it('is not made to a guest with another host key', async () => {
    const server = await startSshServer()
    const login = { ...server.login, hostKey: makeKeyPair('other').publicKey }
    const { link } = linkTo({ ...server, login }, { reconnectMs: 1_000 })
    await expect(link.connection(signal)).rejects.toMatchObject({ class: 'ssh-lost' })
    expect(server.logins()).toBe(0)
  })

  it('is tried again by the next who asks after a failure', async () => {
    const server = await startSshServer()
    let refuse = true
    const link = new GuestLink({
      port: () => server.port,
      login: server.login,
      onConnect: async () => {
        if (refuse) throw new Error('no forward')
      },
      reconnectMs: 1_000,
    })
    onTestFinished(() => link.close())
    await expect(link.connection(signal)).rejects.toMatchObject({ cause: { message: 'no forward' } })
    refuse = false
    expect(await works(await link.connection(signal))).toBe(true)
  })

  it('is given up with the reason of the abort', async () => {
    const server = await startSshServer()
    await server.close()
    const { link } = linkTo(server)
    const stop = new AbortController()
    const waiting = link.connection(stop.signal)
    setTimeout(() => stop.abort(new Error('cancelled')), 50)
    await expect(waiting).rejects.toThrow('cancelled')
  })

  it('is refused once the link was closed, and the open one ends', async () => {
    const server = await startSshServer()
    const { link } = linkTo(server)
    const client = await link.connection(signal)
    const closed = once(client, 'close')
    link.close()
    await closed
    await expect(link.connection(signal)).rejects.toMatchObject({ class: 'ssh-lost' })
  })
})
