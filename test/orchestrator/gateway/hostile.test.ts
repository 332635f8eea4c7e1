import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, ClientChannel } from 'ssh2'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../eventually.ts'
import { startFakeMachine } from './a-fake-machine.ts'
import { type AGateway, startAGateway } from './a-gateway.ts'
import { type RealSshd, startSshd } from './an-sshd.ts'

const place = 'job-1@127.0.0.1'
const plenty = {
  loginsPerAddress: { burst: 100_000, perSecond: 1000 },
  connectionsPerAddress: 1000,
  connections: 1000,
}
const mib = 1024 * 1024
let sshd: RealSshd
let here: AGateway

beforeAll(async () => {
  sshd = await startSshd()
})
afterAll(() => sshd.stop())
afterEach(() => here.stop())

/** Parts of ssh2 that a client needs in order to misbehave. */
type Insides = {
  readonly _sock: Socket
  readonly _protocol: {
    session(channel: number, window: number, packetSize: number): void
    channelData(channel: number, data: Buffer): void
    channelOpenConfirm(remote: number, local: number, window: number, packetSize: number): void
    readonly _packetRW: {
      readonly write: {
        readonly allocStart: number
        alloc(size: number): Buffer
        finalize(packet: Buffer): Buffer
      }
    }
    readonly _cipher: { encrypt(packet: Buffer): void }
  }
}
const insidesOf = (value: object) => value as unknown as Insides

function exec(client: Client, command: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) =>
    client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel))),
  )
}

async function dial(): Promise<Socket> {
  const socket = connect(here.gateway.port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Waits until the figure has stopped, and gives it. */
async function settled(figure: () => number): Promise<number> {
  let before = -1
  return await eventually('it stops', async () => {
    const now = figure()
    if (now === before && now > 0) return now
    before = now
    await sleep(1_000)
    return undefined
  })
}

const isWell = async () => expect((await here.ssh([place, 'echo well'])).stdout).toBe('well')
const empty = () =>
  eventually('the session is over', async () => (here.gateway.sessions().length === 0 ? true : undefined))

describe('a gateway holds no more than a few MiB of', () => {
  it('a machine that writes without end to a client that reads nothing', async () => {
    here = await startAGateway(sshd)
    const client = await here.login()
    const channel = await exec(client, 'cat /dev/zero')
    channel.pause()
    expect(await settled(() => here.gateway.sessions()[0]?.fromMachine ?? 0)).toBeLessThan(8 * mib)
    client.end()
    await empty()
  })

  it('the same, to a client that allows 4 GiB and then stops reading its socket', async () => {
    here = await startAGateway(sshd)
    const client = await here.login()
    const { _protocol: protocol, _sock: socket } = insidesOf(client)
    const open = protocol.session.bind(protocol)
    protocol.session = (channel, _window, packetSize) => open(channel, 2 ** 32 - 1, packetSize)
    const channel = await exec(client, 'cat /dev/zero')
    await once(channel, 'data')
    socket.pause()
    const before = process.memoryUsage().rss
    // What the kernel holds for both ends of the socket counts as well.
    expect(await settled(() => here.gateway.sessions()[0]?.fromMachine ?? 0)).toBeLessThan(48 * mib)
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * mib)
    socket.destroy()
    await empty()
  })

  it('a client that writes without end to a machine that reads nothing', async () => {
    here = await startAGateway(sshd)
    const client = await here.login()
    const channel = await exec(client, 'sleep 600')
    channel.write(Buffer.alloc(64 * mib))
    expect(await settled(() => here.gateway.sessions()[0]?.toMachine ?? 0)).toBeLessThan(8 * mib)
    client.end()
    await empty()
  })

  it('a client that sends more than it is allowed to', async () => {
    here = await startAGateway(sshd)
    const client = await here.login()
    const channel = await exec(client, 'sleep 600')
    const { id } = channel.outgoing as { id: number }
    const { _protocol: protocol } = insidesOf(client)
    for (let sent = 0; sent < 64 * mib; sent += 32_000) protocol.channelData(id, Buffer.alloc(32_000))
    await empty()
    await isWell()
  })

  it('questions of a client that reads no answer', async () => {
    here = await startAGateway(sshd)
    const client = await here.login()
    const { _sock: socket, _protocol: protocol } = insidesOf(client)
    socket.pause()
    // A global request by the name of x, to be answered.
    const request = Buffer.from([80, 0, 0, 0, 1, 0x78, 1])
    await eventually('the session is over', async () => {
      if (here.gateway.sessions().length === 0) return true
      for (let times = 0; times < 20_000; times += 1) sendRaw(protocol, request)
      return undefined
    })
    socket.destroy()
    await isWell()
  }, 120_000)
})

function sendRaw({ _packetRW: { write }, _cipher: cipher }: Insides['_protocol'], payload: Buffer): void {
  const packet = write.alloc(payload.length)
  packet.set(payload, write.allocStart)
  cipher.encrypt(write.finalize(packet))
}

describe('a gateway goes on, whatever comes', () => {
  it('bytes at random, before and after a version', async () => {
    here = await startAGateway(sshd, { limits: plenty })
    for (let round = 0; round < 200; round += 1) {
      const socket = await dial()
      const noise = randomBytes(Math.floor(Math.random() * 40_000))
      const start =
        ['', 'SSH-2.0-x\r\n', 'SSH-2.0-OpenSSH_9.2\r\n\0\0\u0001\u000c', 'GET / HTTP/1.1\r\n\r\n'][
          round % 4
        ] ?? ''
      socket.write(Buffer.concat([Buffer.from(start, 'latin1'), noise]))
      if (round % 2 === 0) socket.end()
      else socket.destroy()
    }
    await isWell()
  })

  it('a packet that says to be of 4 GiB, and a version line without end', async () => {
    here = await startAGateway(sshd, { limits: plenty })
    for (const bytes of [
      Buffer.concat([Buffer.from('SSH-2.0-x\r\n'), Buffer.from([255, 255, 255, 255]), randomBytes(100_000)]),
      Buffer.alloc(1_000_000, 'a'),
    ]) {
      const socket = await dial()
      socket.resume()
      socket.write(bytes)
      await once(socket, 'close')
    }
    await isWell()
  })

  it('packets at random from somebody who is in', async () => {
    here = await startAGateway(sshd, { limits: { ...plenty, sessionsPerJob: 1000 } })
    const kinds = [1, 2, 5, 20, 21, 30, 50, 60, 61, 80, 81, 90, 91, 93, 94, 95, 96, 97, 98, 99, 100, 200]
    const names = [
      'session',
      'direct-tcpip',
      'pty-req',
      'shell',
      'exec',
      'subsystem',
      'env',
      'signal',
      'x11-req',
      'tcpip-forward',
    ]
    let client = await here.login()
    for (let round = 0; round < 400; round += 1) {
      const { _protocol: protocol, _sock: socket } = insidesOf(client)
      if (socket.destroyed) client = await here.login()
      const name = Buffer.from(names[round % names.length] ?? '')
      const length = Buffer.from([0, 0, 0, name.length])
      const kind = Buffer.from([kinds[Math.floor(Math.random() * kinds.length)] ?? 0])
      const channel = round % 3 === 0 ? Buffer.from([0, 0, 0, round % 4]) : Buffer.alloc(0)
      try {
        sendRaw(
          protocol,
          Buffer.concat([kind, channel, length, name, randomBytes(Math.floor(Math.random() * 60))]),
        )
      } catch {
        client = await here.login()
      }
      if (round % 10 === 0) await sleep(5)
    }
    client.end()
    await isWell()
  })

  it('a client that takes packets of no size, or of one byte', async () => {
    here = await startAGateway(sshd)
    for (const size of [0, 1]) {
      const client = await here.login()
      const { _protocol: protocol } = insidesOf(client)
      const open = protocol.session.bind(protocol)
      protocol.session = (channel, window) => open(channel, window, size)
      const channel = await exec(client, 'cat /dev/zero')
      channel.resume()
      await once(channel, 'close')
      client.end()
      await empty()
    }
    await isWell()
  })

  it('a machine that takes packets of no size', async () => {
    const machine = await startFakeMachine(
      () => {},
      (connection) => {
        const { _protocol: protocol } = insidesOf(connection)
        const confirm = protocol.channelOpenConfirm.bind(protocol)
        protocol.channelOpenConfirm = (remote, local, window) => confirm(remote, local, window, 0)
      },
    )
    here = await startAGateway(machine)
    const { code, stderr } = await here.ssh([place, 'cat'], { stdin: 'pipe', input: 'hello' })
    expect(code).toBe(255)
    expect(stderr).toContain('the machine asked for packets of next to no size')
    await machine.stop()
  })

  it('a machine that sends more than it is allowed to', async () => {
    const machine = await startFakeMachine((channel) => {
      const { id } = channel.outgoing as { id: number }
      const { _client: connection } = channel as unknown as { _client: object }
      for (let sent = 0; sent < 64 * mib; sent += 32_000)
        insidesOf(connection)._protocol.channelData(id, Buffer.alloc(32_000))
    })
    here = await startAGateway(machine)
    const client = await here.login()
    const channel = await exec(client, 'anything')
    channel.pause()
    await empty()
    expect(here.audit.at(-1)).toMatchObject({ why: expect.stringContaining('the machine') })
    await machine.stop()
  })

  it('200 connections that stop half-way: they are cut, and somebody who is in notices nothing', async () => {
    here = await startAGateway(sshd, { limits: { ...plenty, connectionsPerAddress: 50, handshakeMs: 5_000 } })
    const client = await here.login()
    const sockets = await Promise.all(Array.from({ length: 200 }, dial))
    const begin = Date.now()
    const lines = await Promise.all(
      sockets.map(async (socket, index) => {
        if (index % 2 === 0) socket.write('SSH-2.0-slow\r\n')
        let said = ''
        socket.on('data', (chunk) => {
          said += chunk.toString('latin1')
        })
        if (!socket.destroyed) await once(socket, 'close')
        return said.split('\r\n')[0]
      }),
    )
    expect(Date.now() - begin).toBeLessThan(60_000)
    expect(lines.filter((line) => line === 'SSH-2.0-Mayfly')).toHaveLength(49)
    expect(lines.filter((line) => line?.includes('this address has 50 connections already'))).toHaveLength(
      151,
    )
    const channel = await exec(client, 'echo still here')
    expect(String(await once(channel, 'data'))).toBe('still here\n')
    client.end()
    await empty()
    await isWell()
  })

  it('a thousand logins a second from one address: few are computed with, and few are on record', async () => {
    here = await startAGateway(sshd, { limits: { loginsPerAddress: { burst: 5, perSecond: 0.01 } } })
    const lines: string[] = []
    const begin = Date.now()
    for (let round = 0; round < 1_000; round += 1) {
      const socket = await dial()
      let said = ''
      socket.on('data', (chunk) => {
        said += chunk.toString('latin1')
      })
      socket.write('SSH-2.0-x\r\n')
      if (round < 5) socket.destroy()
      else await once(socket, 'close')
      lines.push(said.split('\r\n')[0] ?? '')
    }
    expect(
      lines.filter((line) => line.startsWith('Mayfly: too many connections without a login')),
    ).toHaveLength(995)
    expect(here.audit).toHaveLength(1)
    expect(here.audit[0]).toMatchObject({
      what: 'refused',
      job: '',
      why: expect.stringContaining('too many'),
    })
    expect(Date.now() - begin).toBeLessThan(25_000)
    expect((await here.ssh([place, 'true'])).code).toBe(255)
  })
})
