import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../eventually.ts'
import { startFakeMachine } from './a-fake-machine.ts'
import { type AGateway, startAGateway } from './a-gateway.ts'
import { type RealSshd, startSshd } from './an-sshd.ts'

const place = 'job-1@127.0.0.1'
let sshd: RealSshd
let here: AGateway

beforeAll(async () => {
  sshd = await startSshd()
})
afterAll(() => sshd.stop())
afterEach(() => here.stop())

/** A command that runs until it is ended, with what its user has seen so far. */
async function begin(args: readonly string[], options: { stdout?: 'ignore' } = {}) {
  const ssh = execa('ssh', [...here.options, ...args], {
    ...{ reject: false, stdin: 'pipe', timeout: 120_000 },
    ...options,
  })
  await eventually('the session is there', async () => here.gateway.sessions()[0]?.channels[0])
  // Wrapped, for it is a promise itself.
  return { ssh }
}

const ending = () =>
  eventually('the end is on record', async () => here.audit.find((entry) => entry.what === 'ended'))

describe('a session', () => {
  it('ends by force when the time is over, in the middle of a command, and its user reads why', async () => {
    here = await startAGateway(sshd, { until: new Date(Date.now() + 5_000) })
    const { ssh } = await begin([place, 'echo begun; sleep 600'])
    const { exitCode, stdout, stderr } = await ssh
    expect({ exitCode, stdout }).toEqual({ exitCode: 255, stdout: 'begun' })
    expect(stderr).toContain('Mayfly: the time of job job-1 is over')
    expect(await ending()).toMatchObject({ why: 'the time of job job-1 is over' })
    expect((await here.ssh([place, 'true'])).stderr).toContain('was over at')
  })

  it('is warned a minute before, in its terminal and in its recording', async () => {
    here = await startAGateway(sshd, { until: new Date(Date.now() + 63_000) })
    const { ssh } = await begin(['-tt', place, 'sleep 600'])
    await eventually('the warning', async () =>
      here.recordings[0]?.text.includes('this machine is taken away at') ? true : undefined,
    )
    await here.gateway.endSessionsOf('job-2', 'somebody else')
    await here.gateway.endSessionsOf('job-1', 'the job was deleted')
    const { stdout } = await ssh
    expect(stdout).toMatch(/\r?\nMayfly: this machine is taken away at .* UTC, in a minute\r?\n/)
    expect(stdout).toContain('Mayfly: the job was deleted')
    expect(await ending()).toMatchObject({ why: 'the job was deleted' })
  })

  it('ends with a reason that is read also where nothing runs', async () => {
    here = await startAGateway(sshd)
    const ssh = execa('ssh', [...here.options, '-N', place], { reject: false, timeout: 60_000 })
    await eventually('the session is there', async () => here.gateway.sessions()[0])
    await here.gateway.endSessionsOf('job-1', 'the job was deleted')
    expect((await ssh).stderr).toContain('Received disconnect from 127.0.0.1 port')
    expect((await ssh).stderr).toContain('Mayfly: the job was deleted')
  })

  it('ends when nothing is sent, and not before', async () => {
    here = await startAGateway(sshd, { limits: { idleMs: 3_000 } })
    const { ssh } = await begin([place, 'for i in 1 2 3 4 5 6; do echo $i; sleep 1; done; sleep 600'])
    const { stdout, stderr } = await ssh
    expect(String(stdout).split('\n')).toEqual(['1', '2', '3', '4', '5', '6'])
    expect(stderr).toContain('Mayfly: nothing was sent for 3 s, so the session ends')
    expect(await ending()).toMatchObject({ why: expect.stringContaining('nothing was sent') })
  })

  it('ends with its gateway, and the processes of the machine go on', async () => {
    here = await startAGateway(sshd)
    const file = join(here.folder, 'pid')
    const { ssh } = await begin([
      place,
      `setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $! > ${file}; sleep 600`,
    ])
    const pid = Number(
      await eventually(
        'the process has begun',
        async () => (await readFile(file, 'utf8').catch(() => '')) || undefined,
      ),
    )
    try {
      await here.gateway.close()
      expect((await ssh).stderr).toContain('Mayfly: the gateway stops')
      expect(process.kill(pid, 0)).toBe(true)
      expect(here.gateway.sessions()).toEqual([])
      await expect(here.login()).rejects.toThrow('ECONNREFUSED')
    } finally {
      process.kill(pid)
    }
  })

  it('ends when the machine goes, and its user reads that', async () => {
    const machine = await startFakeMachine((channel) => channel.write('begun\n'))
    here = await startAGateway(machine)
    const { ssh } = await begin([place, 'anything'])
    await eventually('the command has begun', async () =>
      here.gateway.sessions()[0]?.fromMachine ? true : undefined,
    )
    await machine.stop()
    const { exitCode, stdout, stderr } = await ssh
    expect({ exitCode, stdout }).toEqual({ exitCode: 255, stdout: 'begun' })
    expect(stderr).toContain('Mayfly: the machine closed the connection')
  })

  it('says why when the machine cannot be entered, and tries again with the next command', async () => {
    let isThere = false
    here = await startAGateway(sshd, {
      connect: async (_job, signal) => {
        if (!isThere) throw new Error('the host is away')
        return await sshd.login(signal)
      },
    })
    const control = await here.share(place)
    const { code, stderr } = await here.ssh([...control, place, 'true'])
    expect({ code, stderr }).toEqual({
      code: 255,
      stderr: 'Mayfly: the machine could not be entered: the host is away',
    })
    isThere = true
    expect((await here.ssh([...control, place, 'true'])).code).toBe(0)
    await here.ssh([...control, '-O', 'exit', place])
  })

  it('does not outlive its client: what was opened into the machine is closed', async () => {
    let closed = 0
    here = await startAGateway(sshd, {
      connect: async (_job, signal) => {
        const client = await sshd.login(signal)
        client.once('close', () => {
          closed += 1
        })
        return client
      },
    })
    const { ssh } = await begin([place, 'cat /dev/zero'], { stdout: 'ignore' })
    await eventually('it runs', async () => (here.gateway.sessions()[0]?.fromMachine ? true : undefined))
    ssh.kill('SIGKILL')
    await ssh
    expect(await ending()).toMatchObject({ why: 'the client left' })
    await eventually('the machine is left', async () => (closed === 1 ? true : undefined))
  })

  it('ends when it can no longer be recorded, and does not begin when it cannot be at all', async () => {
    here = await startAGateway(sshd, {
      record: ({ command }) => {
        if (command.includes('not at all')) throw new Error('no such folder')
        return new Writable({
          write: (chunk, _encoding, done) =>
            done(String(chunk).includes('late') ? new Error('the disk is full') : null),
        })
      },
    })
    const { stdout } = await here.ssh(['-tt', place, 'echo early; sleep 1; echo late; sleep 600'])
    expect(stdout).toContain('Mayfly: it can no longer be recorded: the disk is full')
    expect((await here.ssh(['-tt', place, 'echo not at all'])).stdout).toContain(
      'could not be entered: no such folder',
    )
  })

  it('has its signals passed to the machine', async () => {
    const machine = await startFakeMachine((channel, session) => {
      channel.write('ready\n')
      session.on('signal', (_accept, _reject, { name }) => {
        channel.write(`${name}\n`)
        channel.exit(0)
        channel.end()
      })
    })
    here = await startAGateway(machine)
    const client = await here.login()
    const said = await new Promise<string>((resolve, reject) => {
      client.exec('anything', (error, channel) => {
        if (error) return reject(error)
        let text = ''
        channel.on('data', (chunk: Buffer) => {
          text += chunk
          if (text === 'ready\n') channel.signal('USR1')
        })
        channel.on('close', () => resolve(text))
      })
    })
    client.end()
    await sleep(0)
    expect(said).toBe('ready\nUSR1\n')
    await machine.stop()
  })
})
