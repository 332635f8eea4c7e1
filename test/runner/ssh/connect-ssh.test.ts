import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { connectSsh, type SshLogin } from '../../../runner/ssh/connect-ssh.ts'
import { waitForBanner } from '../../../runner/ssh/wait-for-banner.ts'
import { openClient } from './open-client.ts'
import { startRelay } from './relay.ts'
import { startSshServer } from './ssh-server.ts'

const signal = new AbortController().signal

async function connectTo(port: number, login: SshLogin) {
  return await connectSsh({ socket: await waitForBanner({ port, signal }), login, signal })
}

describe('connectSsh', () => {
  it('logs in with the key of this machine', async () => {
    const server = await startSshServer()
    await openClient(server)
    expect(server.logins()).toBe(1)
  })

  it('refuses a guest with another host key than the one it was given', async () => {
    const server = await startSshServer()
    const login = { ...server.login, hostKey: makeKeyPair('other').publicKey }
    await expect(connectTo(server.port, login)).rejects.toThrow(/host denied/i)
    expect(server.logins()).toBe(0)
  })

  it('rejects when the guest does not know our key', async () => {
    const server = await startSshServer()
    const login = { ...server.login, privateKey: makeKeyPair('other').privateKey }
    await expect(connectTo(server.port, login)).rejects.toThrow(/authentication methods failed/)
  })

  it('rejects when the connection breaks in the middle of it', async () => {
    const server = await startSshServer()
    const relay = await startRelay(server.port)
    const socket = await waitForBanner({ port: relay.port, signal })
    relay.freeze()
    const connecting = connectSsh({ socket, login: server.login, signal })
    setTimeout(relay.cut, 50)
    await expect(connecting).rejects.toThrow()
  })

  it('gives up a guest that says nothing more after its banner', async () => {
    const server = await startSshServer()
    const relay = await startRelay(server.port)
    const socket = await waitForBanner({ port: relay.port, signal })
    relay.freeze()
    const connecting = connectSsh({ socket, login: server.login, signal, timeoutMs: 100 })
    await expect(connecting).rejects.toThrow(/timed out/i)
  })

  it('rejects with the reason of the abort and closes its socket', async () => {
    const server = await startSshServer()
    const relay = await startRelay(server.port)
    const socket = await waitForBanner({ port: relay.port, signal })
    relay.freeze()
    const stop = new AbortController()
    const connecting = connectSsh({ socket, login: server.login, signal: stop.signal })
    setTimeout(() => stop.abort(new Error('cancelled')), 50)
    await expect(connecting).rejects.toThrow('cancelled')
    expect(socket.destroyed).toBe(true)
  })

  it('closes its socket, too, when it is aborted before it begins', async () => {
    const server = await startSshServer()
    const socket = connect(server.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    const aborted = AbortSignal.abort(new Error('never'))
    await expect(connectSsh({ socket, login: server.login, signal: aborted })).rejects.toThrow('never')
    expect(socket.destroyed).toBe(true)
  })

  it('survives a connection that breaks later on, which only closes it', async () => {
    const server = await startSshServer()
    const client = await openClient(server)
    const closed = once(client, 'close')
    server.drop()
    await closed
  })
})
