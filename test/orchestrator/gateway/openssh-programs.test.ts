import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../eventually.ts'
import { type AGateway, startAGateway } from './a-gateway.ts'
import { type RealSshd, startSshd } from './an-sshd.ts'

const place = 'job-1@127.0.0.1'
let sshd: RealSshd
let here: AGateway

beforeAll(async () => {
  sshd = await startSshd()
})
afterAll(() => sshd.stop())
beforeEach(async () => {
  here = await startAGateway(sshd, { greeting: 'step "test" failed\u001b[31m' })
})
afterEach(() => here.stop())

const fileAt = (name: string) => join(here.folder, name)

async function randomFile(name: string, bytes: number): Promise<{ path: string; hash: string }> {
  const content = randomBytes(bytes)
  await writeFile(fileAt(name), content)
  return { path: fileAt(name), hash: createHash('sha256').update(content).digest('hex') }
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}

async function hashOfStream(stream: Readable): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk)
  return hash.digest('hex')
}

function hashOfLetters(letter: string): string {
  return createHash('sha256').update(letter.repeat(8_000_000)).digest('hex')
}

describe('a command over ssh', () => {
  it('has its output, its errors apart, and its exit code', async () => {
    expect(await here.ssh([place, 'echo out; echo err >&2; exit 7'])).toEqual({
      ...{ code: 7, stdout: 'out', stderr: 'err' },
    })
  })

  it('reads its input to the end, byte for byte', async () => {
    const input = randomBytes(3_000_000)
    const { stdout } = await here.ssh([place, 'sha256sum'], { stdin: 'pipe', input })
    expect(stdout).toContain(createHash('sha256').update(input).digest('hex'))
  })

  it('has every byte of both, when both are more than its reader takes at a time', async () => {
    const client = await here.login()
    const letters = (letter: string) => `yes ${letter} | tr -d '\\n' | head -c 8000000`
    const command = `${letters('a')} & ${letters('b')} >&2; wait; exit 3`
    const ended = await new Promise<unknown[]>((resolve, reject) => {
      client.exec(command, async (error, channel) => {
        if (error) return reject(error)
        const exit = once(channel, 'exit')
        // Both windows are full before anything is read.
        await sleep(3_000)
        resolve([
          ...(await Promise.all([hashOfStream(channel), hashOfStream(channel.stderr)])),
          ...(await exit),
        ])
      })
    })
    client.end()
    expect(ended).toEqual([hashOfLetters('a'), hashOfLetters('b'), 3])
  })

  it('is told the end of its output when it comes, which may be long before its own', async () => {
    const client = await here.login()
    const events: string[] = []
    await new Promise<void>((resolve, reject) => {
      client.exec('exec >&- 2>&-; sleep 2; exit 9', (error, channel) => {
        if (error) return reject(error)
        channel.resume().on('end', () => events.push('end'))
        channel.on('exit', (code: number) => events.push(`exit ${code}`))
        channel.on('close', resolve)
      })
    })
    client.end()
    expect(events).toEqual(['end', 'exit 9'])
  })

  it('has its exit code also when both sides have ended long before', async () => {
    expect((await here.ssh([place, 'exec >&- 2>&-; sleep 1; exit 9'])).code).toBe(9)
  })

  it('passes on the signal that killed it', async () => {
    const client = await here.login()
    const ended = await new Promise<unknown[]>((resolve, reject) => {
      client.exec('kill -TERM $$', (error, channel) => {
        if (error) return reject(error)
        channel.resume().on('exit', (...args: unknown[]) => resolve(args))
      })
    })
    client.end()
    expect(ended.slice(0, 2)).toEqual([null, 'SIGTERM'])
    // One that the protocol has no name for.
    expect((await here.ssh([place, 'kill -SYS $$'])).code).toBe(255)
  })

  it('has LANG and TERM of its user, and nothing else', async () => {
    const { stdout } = await here.ssh(
      [
        '-o',
        'SendEnv=LANG',
        '-o',
        'SendEnv=TERM',
        '-o',
        'SendEnv=SECRET',
        place,
        'echo "$LANG/$TERM/$SECRET"',
      ],
      { env: { LANG: 'de_DE.UTF-8', TERM: 'vt220', SECRET: 'planted' } },
    )
    expect(stdout).toBe('de_DE.UTF-8/vt220/')
  })

  it.each([
    ['rsa', '2048'],
    ['ecdsa', '256'],
    ['ecdsa', '384'],
    ['ecdsa', '521'],
    ['ed25519', '256'],
  ])('is let in with a key of type %s and %s bits', async (type, bits) => {
    const file = fileAt('mine')
    await execa('ssh-keygen', ['-q', '-N', '', '-t', type, '-b', bits, '-f', file])
    const other = await startAGateway(sshd, { allowed: [await readFile(`${file}.pub`, 'utf8')] })
    try {
      const args = other.options.map((option) =>
        option.startsWith('IdentityFile=') ? `IdentityFile=${file}` : option,
      )
      const { code, stderr } = await other.run('ssh', [...args, place, 'true'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    } finally {
      await other.stop()
    }
  })

  it.each(['aes128-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes256-ctr'])(
    'works with the cipher %s, also across many key exchanges',
    async (cipher) => {
      const { path, hash } = await randomFile('big', 8_000_000)
      const { stdout } = await here.run('bash', [
        '-c',
        'ssh "$@" < "$0" | sha256sum',
        path,
        ...[...here.options, '-c', cipher, '-o', 'RekeyLimit=1M', place, 'cat'],
      ])
      expect(stdout).toContain(hash)
    },
  )
})

describe('a shell over ssh', () => {
  it('has a terminal of the size of its user, and its exit code', async () => {
    // `script` gives ssh a terminal of its own.
    const command = ['ssh', ...here.options, '-tt', place, "'stty size; exit 5'"].join(' ')
    const { code, stdout } = await here.run('script', [
      '-qec',
      `stty rows 33 cols 101; ${command}`,
      '/dev/null',
    ])
    expect(stdout).toContain('33 101')
    expect(code).toBe(5)
  })

  it('tells its user where this is, what failed and for how long, without what a terminal obeys', async () => {
    const { code, stdout } = await here.ssh(['-tt', place], {
      stdin: 'pipe',
      input: 'echo $((40+2))\nexit 3\n',
    })
    expect(stdout).toMatch(
      /^Mayfly: the machine of job job-1\r?\nstep "test" failed\r?\nOpen until .* UTC \(29 min left\). This session is recorded\./,
    )
    expect(stdout).toContain('42')
    expect(code).toBe(3)
  })

  it('says it on stderr where there is no terminal, so that output can be used', async () => {
    const { code, stdout, stderr } = await here.ssh(['-T', place], {
      stdin: 'pipe',
      input: 'echo hi\nexit 4\n',
    })
    expect(stdout.split('\n').at(-1)).toBe('hi')
    expect(stderr).toContain('This session is recorded.')
    expect(code).toBe(4)
  })

  it('follows its window, is recorded with it, and what is typed is not', async () => {
    const client = await here.login()
    await new Promise<void>((resolve, reject) => {
      client.shell({ rows: 20, cols: 60, term: 'vt100' }, (error, channel) => {
        if (error) return reject(error)
        let text = ''
        channel.on('data', (chunk: Buffer) => {
          text += chunk
          if (text.includes('20 60') && !text.includes('resized')) {
            text += 'resized'
            channel.setWindow(44, 99, 0, 0)
            channel.write('stty size; stty -echo; echo RE""ADY; read -r x; exit\n')
          }
          if (text.includes('READY') && !text.includes('typed')) {
            text += 'typed'
            channel.write('correct horse\n')
          }
        })
        channel.on('close', resolve)
        channel.write('stty size\n')
      })
    })
    client.end()
    const [recording] = here.recordings
    await eventually('the recording is ended', async () => recording?.isEnded || undefined)
    const [header, ...events] = (recording?.text ?? '')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(header).toMatchObject({ version: 2, width: 60, height: 20, env: { TERM: 'vt100' } })
    expect(events.filter((event) => event[1] === 'r').map((event) => event[2])).toEqual(['99x44'])
    const shown = events.map((event) => event[2]).join('')
    expect(shown).toContain('Mayfly: the machine of job job-1')
    expect(shown).toContain('44 99')
    expect(shown).not.toContain('correct horse')
    expect(recording?.terminal).toMatchObject({ job: 'job-1', who: 'ada', channel: 1, command: '' })
  })

  it('is recorded under another name too: a command that has a terminal', async () => {
    await here.ssh(['-tt', place, 'echo $((40+2))'])
    expect(here.recordings[0]?.text).toContain('42')
    await here.ssh([place, 'echo $((40+2))'])
    expect(here.recordings).toHaveLength(1)
  })
})

describe('copies over the gateway', () => {
  it('sftp puts and gets a large file', async () => {
    const { path, hash } = await randomFile('big', 32_000_000)
    const batch = `put ${path} ${fileAt('there')}\nget ${fileAt('there')} ${fileAt('back')}\n`
    const { code, stderr } = await here.run('sftp', [...here.options, '-b', '-', place], {
      stdin: 'pipe',
      input: batch,
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect([await hashOf(fileAt('there')), await hashOf(fileAt('back'))]).toEqual([hash, hash])
  })

  it.each([
    ['over SFTP', []],
    ['in the old way', ['-O']],
  ])('scp copies both ways, %s', async (_way, args) => {
    const { path, hash } = await randomFile('big', 5_000_000)
    const there = `${place}:${fileAt('there')}`
    expect((await here.run('scp', [...args, ...here.options, '-p', path, there])).code).toBe(0)
    expect((await here.run('scp', [...args, ...here.options, there, fileAt('back')])).code).toBe(0)
    expect([await hashOf(fileAt('there')), await hashOf(fileAt('back'))]).toEqual([hash, hash])
  })

  it('rsync copies a tree with its modes and links, and again next to nothing', async () => {
    await mkdir(fileAt('tree/deep'), { recursive: true })
    await writeFile(fileAt('tree/deep/script'), '#!/bin/sh\n', { mode: 0o751 })
    await symlink('deep/script', fileAt('tree/link'))
    for (let number = 0; number < 200; number += 1) {
      await writeFile(fileAt(`tree/deep/${number}`), randomBytes(number * 50))
    }
    const rsync = () =>
      here.run('rsync', [
        ...['-a', '--stats', '-e', ['ssh', ...here.options].join(' ')],
        ...[`${fileAt('tree')}/`, `${place}:${fileAt('copy')}`],
      ])
    expect((await rsync()).code).toBe(0)
    expect(await readdir(fileAt('copy/deep'))).toEqual(await readdir(fileAt('tree/deep')))
    expect((await stat(fileAt('copy/deep/script'))).mode & 0o777).toBe(0o751)
    expect((await here.run('diff', ['-r', fileAt('tree'), fileAt('copy')])).code).toBe(0)
    expect((await rsync()).stdout).toMatch(/Number of regular files transferred: 0/)
  })
})

describe('many at once over one login', () => {
  it('shares a connection with ControlMaster, as one session', async () => {
    const control = await here.share(place)
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) => here.ssh([...control, place, `echo ${index}; exit ${index}`])),
    )
    expect(results.map(({ code, stdout }) => `${stdout} ${code}`)).toEqual(
      results.map((_, index) => `${index} ${index}`),
    )
    expect(here.gateway.sessions()).toMatchObject([{ who: 'ada', job: 'job-1', channels: [] }])
    await here.ssh([...control, '-O', 'exit', place])
    await eventually('the session is over', async () =>
      here.gateway.sessions().length === 0 ? true : undefined,
    )
    const whats = here.audit.map((entry) => entry.what)
    expect(whats.filter((what) => what === 'login')).toHaveLength(1)
    expect(whats.filter((what) => what === 'opened')).toHaveLength(8)
    expect(whats.filter((what) => what === 'closed')).toHaveLength(8)
    expect(whats.at(-1)).toBe('ended')
  })
})

describe('the audit record', () => {
  it('says who came when and from where, what they did, and how much went through', async () => {
    await here.ssh([place, 'cat; exit 2'], { stdin: 'pipe', input: 'x'.repeat(1000) })
    await eventually('the session is over', async () =>
      here.gateway.sessions().length === 0 ? true : undefined,
    )
    const person = {
      ...{ at: expect.any(Date), from: expect.stringMatching(/^127\.0\.0\.1:\d+$/), job: 'job-1' },
      ...{ session: expect.any(String), who: 'ada', fingerprint: here.ada.fingerprint },
    }
    const traffic = { toMachine: 1000, fromMachine: 1000, ms: expect.any(Number) }
    expect(here.audit).toEqual([
      { ...person, what: 'login', until: expect.any(Date) },
      { ...person, what: 'opened', channel: 1, kind: 'exec', detail: 'cat; exit 2' },
      { ...person, ...traffic, what: 'closed', channel: 1, kind: 'exec', exit: 2 },
      { ...person, ...traffic, what: 'ended', why: 'the client left' },
    ])
  })
})
