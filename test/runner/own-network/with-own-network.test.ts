import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openWayIn } from '../../../runner/own-network/open-way-in.ts'
import { probeOwnNetwork } from '../../../runner/own-network/probe-own-network.ts'
import { ownAddress, withOwnNetwork } from '../../../runner/own-network/with-own-network.ts'
import { eventually } from '../../eventually.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-own-network-'))
  return () => rm(folder, { recursive: true, force: true })
})

function run(command: readonly string[], options: { timeout?: number } = {}) {
  const [program = '', ...args] = withOwnNetwork(folder, command)
  return execa(program, args, { reject: false, timeout: 60_000, ...options })
}

describe('a network of its own', () => {
  it('has routes to nothing but what is public, and no IPv6', async () => {
    const asked = ['9.9.9.9', '10.1.2.3', '100.64.0.1', '169.254.169.254', '172.16.0.1', '192.168.1.1']
    const script = asked.map((to) => `ip route get ${to} >/dev/null 2>&1 && echo ${to}`).join('\n')
    const { stdout } = await run(['sh', '-c', `${script}\nip -6 addr; true`])
    expect(stdout).toBe('9.9.9.9')
  })

  it('leaves no capability and no way to get one', async () => {
    const { stdout } = await run(['grep', '-E', '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs)', '/proc/self/status'])
    expect(stdout.replaceAll(/\s+/g, ' ')).toBe(
      ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => `${set}: ${'0'.repeat(16)} `).join('') +
        'NoNewPrivs: 1',
    )
  })

  it('keeps the process, its arguments, its exit code and its descriptor 3', async () => {
    await writeFile(join(folder, 'state'), 'frozen\n')
    const script = `echo "$$ $1"; cat <&3; exit 7`
    const [program = '', ...args] = withOwnNetwork(folder, ['sh', '-c', script, 'sh', "a 'b' $c"])
    const outer = ['-c', 'exec 3<"$0"; exec "$@"', join(folder, 'state'), program, ...args]
    const child = execa('sh', outer, { reject: false, timeout: 60_000 })
    const { stdout, exitCode } = await child
    expect(stdout).toBe(`${child.pid} a 'b' $c\nfrozen`)
    expect(exitCode).toBe(7)
  })

  it("does not lead to the host's loopback, which is where it would by slirp4netns's gateway", async () => {
    const { port, hits } = await listen()
    const script = ['198.18.0.2', '198.18.0.100', '198.18.1.2', '198.18.1.100', '127.0.0.1']
      .map((to) => dial(to, port))
      .join('\n')
    await run(['bash', '-c', script])
    expect(hits()).toBe(0)
    await once(connect(port, '127.0.0.1'), 'data')
    expect(hits()).toBe(1)
  })

  it('has a way in from a port of 127.0.0.1, and is gone with its command', async () => {
    const server = `import socket,sys
s=socket.socket(); s.bind(('${ownAddress}',0)); s.listen(); print(s.getsockname()[1],flush=True)
while True: c,_=s.accept(); c.send(b'inside'); c.close()`
    const child = run(['python3', '-c', server])
    const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    const inside = Number(chunk.toString())
    const signal = new AbortController().signal
    const socket = join(folder, 'net.sock')
    const ports = [
      await openWayIn({ socket, port: inside, signal }),
      await openWayIn({ socket, port: inside, signal }),
    ]
    expect(new Set(ports).size).toBe(2)
    for (const port of ports) {
      const [greeting] = (await once(connect(port, '127.0.0.1'), 'data')) as [Buffer]
      expect(greeting.toString()).toBe('inside')
    }
    expect(await slirps(child.pid)).toHaveLength(2)
    child.kill('SIGKILL')
    await child
    await eventually(
      'the end of slirp4netns',
      async () => (await slirps(child.pid)).length === 0 || undefined,
    )
  })

  it('says when slirp4netns is not there to open a way in', async () => {
    const wayIn = { socket: join(folder, 'net.sock'), port: 1, signal: new AbortController().signal }
    await expect(openWayIn(wayIn)).rejects.toThrow('slirp4netns does not answer')
  })
})

describe('the probe of own networks', () => {
  it('says that this host can', async () => {
    expect(await probeOwnNetwork()).toEqual({ can: true })
  })

  it('names the program that is missing, and the package that has it', async () => {
    const { PATH } = process.env
    onTestFinished(() => {
      process.env.PATH = PATH
    })
    process.env.PATH = folder
    expect(await probeOwnNetwork()).toEqual({
      can: false,
      reason: 'slirp4netns is not installed',
      mend: 'apt-get install slirp4netns',
    })
  })

  it('says why where the kernel says no', async () => {
    const { PATH } = process.env
    onTestFinished(() => {
      process.env.PATH = PATH
    })
    await writeFile(join(folder, 'unshare'), '#!/bin/sh\necho "unshare: not permitted" >&2; exit 1\n', {
      mode: 0o755,
    })
    process.env.PATH = `${folder}:${PATH}`
    expect(await probeOwnNetwork()).toMatchObject({ can: false, reason: 'unshare: not permitted' })
  })

  it('says why where slirp4netns cannot work', async () => {
    const { PATH } = process.env
    onTestFinished(() => {
      process.env.PATH = PATH
    })
    const script = '#!/bin/sh\necho "open(/dev/net/tun): No such file or directory" >&2; exit 1\n'
    await writeFile(join(folder, 'slirp4netns'), script, { mode: 0o755 })
    process.env.PATH = `${folder}:${PATH}`
    expect(await probeOwnNetwork()).toMatchObject({
      can: false,
      reason: 'open(/dev/net/tun): No such file or directory',
    })
  })
})

async function listen(): Promise<{ port: number; hits: () => number }> {
  let hits = 0
  const server: Server = createServer((socket) => {
    hits++
    socket.end('private')
  })
  server.listen(0, '0.0.0.0')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return { port: address.port, hits: () => hits }
}

function dial(address: string, port: number): string {
  return `timeout 3 bash -c 'cat </dev/tcp/${address}/${port}' 2>/dev/null || true`
}

/** The slirp4netns processes that serve the network of a process. */
async function slirps(of: number | undefined): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.startsWith('slirp4netns') && line.includes(`\0${of}\0way-`))
}
