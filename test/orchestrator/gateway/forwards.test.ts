import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../eventually.ts'
import { type AGateway, startAGateway } from './a-gateway.ts'
import { type RealSshd, startSshd } from './an-sshd.ts'

const place = 'job-1@127.0.0.1'
let sshd: RealSshd
let here: AGateway
/** Answers a line with the same, louder; listens where the machine calls itself. */
let service: Server
let port: number

beforeAll(async () => {
  sshd = await startSshd()
  service = createServer({ allowHalfOpen: true }, (socket) => {
    let said = ''
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      said += chunk
    })
    socket.on('end', () => socket.end(said.toUpperCase()))
  }).listen(0, '127.0.0.1')
  await once(service, 'listening')
  port = portOf(service)
})
afterAll(async () => {
  await new Promise((resolve) => service.close(resolve))
  await sshd.stop()
})
beforeEach(async () => {
  here = await startAGateway(sshd)
})
afterEach(() => here.stop())

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return address.port
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const free = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return free
}

const denied = () => here.audit.flatMap((entry) => (entry.what === 'denied' ? [entry.why] : []))

describe('ssh -L', () => {
  it.each(['127.0.0.1', 'localhost'])('leads to a service of the machine at %s, both ways', async (name) => {
    const local = await freePort()
    const ssh = execa('ssh', [...here.options, '-N', '-L', `${local}:${name}:${port}`, place], {
      reject: false,
    })
    const ask = async (words: string) => {
      const socket = connect(local, '127.0.0.1')
      await once(socket, 'connect')
      socket.end(words)
      return await text(socket)
    }
    await eventually('the forward is there', () =>
      ask('a').then(
        (said) => said || undefined,
        () => undefined,
      ),
    )
    const long = 'b'.repeat(5_000_000)
    expect(await Promise.all([ask('hello'), ask('world'), ask(long)])).toEqual([
      'HELLO',
      'WORLD',
      long.toUpperCase(),
    ])
    expect(here.gateway.sessions()[0]?.channels).toEqual([])
    ssh.kill()
    await ssh
    expect(here.audit).toContainEqual(
      expect.objectContaining({
        what: 'closed',
        kind: 'forward',
        toMachine: 5_000_000,
        fromMachine: 5_000_000,
      }),
    )
    expect(here.audit).toContainEqual(
      expect.objectContaining({ what: 'opened', kind: 'forward', detail: `${name}:${port}` }),
    )
  })

  it.each(['192.0.2.1', '10.0.2.2', '127.0.0.2', 'example.com', '0.0.0.0', '::ffff:127.0.0.1', '2130706433'])(
    'leads nowhere else: not to %s',
    async (name) => {
      const { code, stderr } = await here.ssh(['-W', `[${name}]:${port}`, place])
      expect(code).toBe(255)
      expect(stderr).toContain('administratively prohibited: Mayfly: forwards lead into the machine only')
      expect(denied()).toEqual([expect.stringContaining(`a forward to ${name}:${port}`)])
    },
  )

  it('says what the machine says when nothing listens there', async () => {
    const { code, stderr } = await here.ssh(['-W', `127.0.0.1:${await freePort()}`, place])
    expect(code).toBe(255)
    expect(stderr).toMatch(/Mayfly: the machine did not connect to 127.0.0.1:\d+: Connection refused/)
  })

  it('reaches no socket of a file', async () => {
    const client = await here.login({ privateKey: here.ada.privateKey, strictVendor: false })
    const error = await new Promise<Error | undefined>((resolve) =>
      client.openssh_forwardOutStreamLocal('/run/docker.sock', resolve),
    )
    client.end()
    expect(error?.message).toContain('no sockets of files')
    expect(denied()).toContainEqual('a forward to the socket /run/docker.sock')
  })

  it('is bounded in number', async () => {
    await here.stop()
    here = await startAGateway(sshd, { limits: { forwards: 3 } })
    const client = await here.login()
    const open = () =>
      new Promise<string>((resolve) =>
        client.forwardOut('', 0, '127.0.0.1', port, (error) => resolve(error?.message ?? 'open')),
      )
    const results = [await open(), await open(), await open(), await open()]
    client.end()
    expect(results.slice(0, 3)).toEqual(['open', 'open', 'open'])
    expect(results[3]).toContain('3 forwarded connections are open already')
  })
})

describe('what leads out of the machine', () => {
  it('is refused: ssh -R', async () => {
    const { code, stderr } = await here.ssh([
      '-o',
      'ExitOnForwardFailure=yes',
      '-R',
      `0:127.0.0.1:${port}`,
      place,
      'true',
    ])
    expect(code).toBe(255)
    expect(stderr).toContain('remote port forwarding failed')
    expect(denied()).toEqual(['tcpip-forward: nothing is forwarded out of the machine'])
  })

  it('is refused: an agent, and its user goes on without', async () => {
    const agent = execa('ssh-agent', ['-D', '-a', `${here.folder}/agent`], { reject: false })
    try {
      const { code, stdout } = await eventually('the agent is forwarded', async () => {
        const agentOption = `IdentityAgent=${here.folder}/agent`
        const args = ['-o', agentOption, ...here.options, '-A', place, 'echo "agent: $SSH_AUTH_SOCK"']
        const result = await here.run('ssh', args)
        return denied().length > 0 ? result : undefined
      })
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'agent: ' })
      expect(denied()).toEqual(['an agent was to be forwarded, which leads out of the machine'])
    } finally {
      agent.kill()
      await agent
    }
  })

  it('is refused: X11', async () => {
    const client = await here.login()
    const error = await new Promise<Error | undefined>((resolve) =>
      client.exec('true', { x11: true }, resolve),
    )
    client.end()
    expect(error?.message).toBe('Unable to request X11')
    expect(denied()).toEqual(['X11 was to be forwarded, which leads out of the machine'])
  })

  it('is asked for so often that it is no mistake any more, and the session ends', async () => {
    const client = await here.login()
    const ended = once(client, 'close')
    for (let times = 0; times < 250; times += 1) client.forwardIn('127.0.0.1', 0, () => {})
    await ended
    await eventually('the end is on record', async () => here.audit.find((entry) => entry.what === 'ended'))
    expect(denied()).toHaveLength(200)
    expect(here.audit.at(-1)).toMatchObject({ what: 'ended', why: '200 requests were refused' })
  })
})
