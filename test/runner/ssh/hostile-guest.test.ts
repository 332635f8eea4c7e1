import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Duplex, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'ssh2'
import { describe, expect, it, onTestFinished } from 'vitest'
import { collectArtifacts } from '../../../runner/artifacts/collect-artifacts.ts'
import { WayOut } from '../../../runner/egress/way-out.ts'
import { remoteFiles } from '../../../runner/guest/remote-files.ts'
import type { RemoteFiles } from '../../../runner/machine/machine.ts'
import { connectSsh } from '../../../runner/ssh/connect-ssh.ts'
import { exec } from '../../../runner/ssh/exec.ts'
import { GuestLink } from '../../../runner/ssh/guest-link.ts'
import { putBytes, putStream } from '../../../runner/ssh/sftp.ts'
import { sftpOf } from '../../../runner/ssh/sftp-of.ts'
import { timeLimit } from '../../../runner/time-limit.ts'
import { untilAborted } from '../../../runner/until-aborted.ts'
import { type HostileGuest, startHostileGuest } from './hostile-guest.ts'

const never = new AbortController().signal
const mib = 1024 * 1024
/** bytes that a test's own work may take beside what it measures */
const slack = 160 * mib

async function enter({ port, login }: HostileGuest, timeoutMs?: number): Promise<Client> {
  const socket = connect(port, '127.0.0.1')
  const client = await connectSsh({ socket, login, signal: never, ...(timeoutMs && { timeoutMs }) })
  onTestFinished(() => void client.destroy())
  return client
}

/** A signal such as a job has, that is aborted after some time. */
function jobOf(ms: number): AbortSignal {
  const limit = timeLimit(never, ms)
  onTestFinished(() => limit.clear())
  return limit.signal
}

/** Resolves with why a connection was cut off, when it is closed. */
function cutOff(client: Client): Promise<unknown> {
  return new Promise((resolve) => {
    let why: unknown
    client.once('error', (error) => {
      why = error
    })
    client.once('close', () => resolve(why))
  })
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

describe('a guest that shows no end', () => {
  it.each([
    ['a version line', 'version-without-end', /header/i],
    ['lines before its version', 'lines-without-end', /header|lines/i],
  ])('of %s is given up at once', async (_what, trick, message) => {
    const before = process.memoryUsage().rss
    await expect(enter(await startHostileGuest(trick))).rejects.toThrow(message)
    expect(process.memoryUsage().rss - before).toBeLessThan(slack)
  })

  it.each([
    ['of key exchange, which never begins,', 'silence-after-version'],
    ['of texts before the login', 'banner-without-end'],
  ])('%s is given up when its time is over, and is not kept in memory', async (_what, trick) => {
    const before = process.memoryUsage().rss
    await expect(enter(await startHostileGuest(trick), 1_500)).rejects.toThrow(/timed out/i)
    expect(process.memoryUsage().rss - before).toBeLessThan(slack)
  })

  it('of new keys is cut off', async () => {
    const client = await enter(await startHostileGuest('keys-without-end'))
    const message = expect.stringContaining('asked for new keys')
    expect(await cutOff(client)).toMatchObject({ class: 'ssh-lost', message })
  })

  it('of questions whose answers it does not read is cut off', async () => {
    const client = await enter(await startHostileGuest('questions-without-end'))
    const before = process.memoryUsage().rss
    expect(messageOf(await cutOff(client))).toContain('reads nothing of what it asked for')
    expect(process.memoryUsage().rss - before).toBeLessThan(slack)
  })

  it('of output is read no faster than its reader, and as long as the job has', async () => {
    const client = await enter(await startHostileGuest('output-without-end'))
    const before = process.memoryUsage().rss
    let received = 0
    const onStdout = async (chunk: Buffer) => {
      received += chunk.length
      await sleep(1)
    }
    const running = exec({ client, command: 'x', signal: jobOf(2_000), onStdout })
    await expect(running).rejects.toThrow()
    expect(received).toBeGreaterThan(0)
    expect(process.memoryUsage().rss - before).toBeLessThan(slack)
  })

  it('of output that is collected is refused beyond the bytes that there may be', async () => {
    const client = await enter(await startHostileGuest('output-without-end'))
    await expect(exec({ client, command: 'x', signal: never })).rejects.toThrow(
      'expected at most 1048576 bytes',
    )
  })

  it('of forwarded connections gets no more than a bounded number', async () => {
    const guest = await startHostileGuest('channels-without-end')
    const client = await enter(guest)
    const wayOut = new WayOut({
      accept: () => undefined,
      record: () => [],
      limit: () => undefined,
      close: () => undefined,
    })
    await wayOut.attach(client, never)
    const { open, refused } = await guest.said()
    expect(open).toBeLessThanOrEqual(512)
    expect(Number(open) + Number(refused)).toBe(2_000)
  })
})

describe('a guest that takes packets', () => {
  it.each(['packets-of-nothing', 'packets-of-a-byte'])(
    '%s does not get a command or a file',
    async (trick) => {
      const client = await enter(await startHostileGuest(trick))
      const asked = 'the machine asked for packets of next to no size'
      await expect(exec({ client, command: 'cat', signal: never, input: 'hello' })).rejects.toThrow(asked)
      await expect(sftpOf(client)).rejects.toThrow(asked)
      // It is still there for what comes next.
      await expect(exec({ client, command: 'cat', signal: never, input: 'hello' })).rejects.toThrow(asked)
    },
  )

  it('of no size on a connection out of it is refused that connection', async () => {
    const guest = await startHostileGuest('forwarded-packets-of-nothing')
    let accepted = 0
    const accept = () => void accepted++
    const wayOut = new WayOut({ accept, record: () => [], limit: () => undefined, close: () => undefined })
    await wayOut.attach(await enter(guest), never)
    expect((await guest.said()).refused).toContain('failure')
    expect(accepted).toBe(0)
  })
})

describe('a guest that sends', () => {
  it('more output than it was allowed to is cut off, and the command ends with that reason', async () => {
    const client = await enter(await startHostileGuest('more-than-the-window'))
    const before = process.memoryUsage().rss
    const slow = () => sleep(3_000)
    const [why, ended] = await Promise.allSettled([
      cutOff(client),
      exec({ client, command: 'x', signal: never, onStdout: slow }),
    ])
    const fault = { class: 'ssh-lost', message: expect.stringContaining('more than it was allowed') }
    expect(why).toMatchObject({ value: fault })
    expect(ended).toMatchObject({ reason: fault })
    expect(process.memoryUsage().rss - before).toBeLessThan(slack)
  })

  it('more errors than are collected is refused, and cut off if it does not stop then', async () => {
    const client = await enter(await startHostileGuest('more-errors-than-the-window'))
    const before = process.memoryUsage().rss
    const [why, ended] = await Promise.allSettled([
      cutOff(client),
      exec({ client, command: 'x', signal: never }),
    ])
    expect(messageOf(why.status === 'fulfilled' && why.value)).toContain('more than it was allowed')
    expect(messageOf(ended.status === 'rejected' && ended.reason)).toContain('expected at most 1048576 bytes')
    expect(process.memoryUsage().rss - before).toBeLessThan(slack)
  })

  it('data after their end is cut off, and the command ends with that reason', async () => {
    const client = await enter(await startHostileGuest('data-after-their-end'))
    await expect(exec({ client, command: 'x', signal: never })).rejects.toThrow('sent data after their end')
  })

  it('two statuses is believed in the first alone', async () => {
    const client = await enter(await startHostileGuest('statuses'))
    expect((await exec({ client, command: 'x', signal: never })).code).toBe(4_294_967_295)
  })

  it('no answer to a command is waited for as long as the job has', async () => {
    const client = await enter(await startHostileGuest('command-never-begins'))
    await expect(exec({ client, command: 'x', signal: jobOf(500) })).rejects.toThrow()
  })
})

it('a guest that allows 4 GiB and reads nothing does not have what it downloads kept for it', async () => {
  const guest = await startHostileGuest('takes-4-gib-and-reads-nothing')
  let given = 0
  const accept = (stream: Duplex) => {
    const download = new Readable({
      read() {
        given += 65_536
        this.push(Buffer.alloc(65_536))
      },
    })
    stream.once('data', () => download.pipe(stream))
  }
  const before = process.memoryUsage().rss
  await new WayOut({ accept, record: () => [], limit: () => undefined, close: () => undefined }).attach(
    await enter(guest),
    never,
  )
  await expect.poll(() => given, { timeout: 20_000 }).toBeGreaterThan(0)
  await sleep(3_000)
  // What the kernel holds for both ends of the socket counts as well.
  expect(given).toBeLessThan(64 * mib)
  expect(process.memoryUsage().rss - before).toBeLessThan(slack)
})

/** The files of a guest, with the bound that a job's signal is. */
async function filesOf(trick: string): Promise<RemoteFiles> {
  const guest = await startHostileGuest(trick)
  const link = new GuestLink({ port: () => guest.port, login: guest.login, onConnect: async () => undefined })
  onTestFinished(() => link.close())
  return remoteFiles({ link, guard: (signal, call) => untilAborted(call(signal), signal) })
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'mayfly-hostile-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

const collect = async (trick: string, path: string, bytes = 4 * mib) => {
  const destination = join(await folder(), 'artifacts')
  const files = await filesOf(trick)
  const collected = await collectArtifacts({
    ...{ files, workdir: '/w', artifacts: [{ path, when: 'always' }], outcome: 'success', destination },
    ...{ limits: { bytes, count: 100 }, signal: never },
  })
  return { ...collected, destination }
}

describe('a guest whose SFTP server', () => {
  it.each([
    'sftp-never-answers',
    'sftp-answers-others',
    'sftp-ends',
    'sftp-statuses-only',
    'sftp-handles-only',
    'sftp-data-only',
    'sftp-names-only',
    'sftp-attributes-only',
    'sftp-huge-handles',
    'sftp-huge-packet',
    'sftp-negative-packet',
  ])('plays %s: every call ends, with the job at the latest', async (trick) => {
    const guest = await startHostileGuest(trick)
    const link = new GuestLink({
      port: () => guest.port,
      login: guest.login,
      onConnect: async () => undefined,
    })
    onTestFinished(() => link.close())
    const files = remoteFiles({ link, guard: (signal, call) => untilAborted(call(signal), signal) })
    const signal = jobOf(1_500)
    const before = process.memoryUsage().rss
    const put = async () => {
      const source = Readable.from([Buffer.alloc(200_000)])
      await putStream({
        sftp: await sftpOf(await link.connection(signal)),
        path: '/x',
        source,
        mode: 0o600,
        signal,
      })
    }
    const putFew = async () =>
      await putBytes({
        sftp: await sftpOf(await link.connection(signal)),
        path: '/x',
        bytes: Buffer.alloc(9),
        mode: 0o600,
      })
    const read = async () => {
      let bytes = 0
      for await (const chunk of files.read('/x', signal)) {
        bytes += chunk.length
        if (bytes > 4 * mib) return
      }
    }
    const calls = [
      files.list('/w', signal),
      files.stat('/x', signal),
      files.realpath('/x', signal),
      read(),
      untilAborted(put(), signal),
      untilAborted(putFew(), signal),
    ]
    const ends = await Promise.allSettled(calls)
    expect(ends).toHaveLength(6)
    expect(process.memoryUsage().rss - before).toBeLessThan(slack)
  })

  it.each([
    ['lists a folder without end', 'sftp-folder-without-end', 'expected at most 200000 names'],
    ['lists names without end that are long', 'sftp-long-names-without-end', 'expected at most 200000 names'],
    [
      'lists nothing without end',
      'sftp-folder-of-nothing-without-end',
      'expected names from the SFTP server',
    ],
    ['tells of 4 billion names and sends none', 'sftp-many-names-in-none', 'the SFTP session is over'],
  ])('%s is read to a bound', async (_what, trick, message) => {
    const files = await filesOf(trick)
    const before = process.memoryUsage().rss
    await expect(files.list('/w', never)).rejects.toThrow(message)
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * mib)
  })

  it('tells names that lead elsewhere writes nothing but files below the folder of artifacts', async () => {
    const { artifacts, problems, destination } = await collect('sftp-names-that-lead-elsewhere', '*')
    expect(artifacts.map(({ path }) => path).sort()).toEqual(['__proto__', 'line\nbreak'])
    expect((await readdir(destination)).sort()).toEqual(['__proto__', 'line\nbreak'])
    expect(await readdir(join(destination, '..'))).toEqual(['artifacts'])
    expect(problems.map(({ kind }) => kind)).toEqual(Array(5).fill('refused'))
  })

  it('says that a file has 3 bytes and sends it without end is read to the limit, and the file is not kept', async () => {
    const before = process.memoryUsage().rss
    await expect(collect('sftp-file-without-end', 'core')).rejects.toMatchObject({ class: 'collect' })
    expect(process.memoryUsage().rss - before).toBeLessThan(slack)
  })
})
