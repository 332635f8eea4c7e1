import { readdir, readFile, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerChannel } from 'ssh2'
import { pack } from 'tar-stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConfigError, InfraError } from '../../../config/errors.ts'
import { guestPaths } from '../../../runner/guest/guest-paths.ts'
import { guestSession } from '../../../runner/guest/guest-session.ts'
import { guarded } from '../../../runner/machine/guarded.ts'
import type { StepCommand } from '../../../runner/machine/machine.ts'
import { GuestLink } from '../../../runner/ssh/guest-link.ts'
import { createFakeConsole } from '../../fake-console.ts'
import { type Relay, startRelay } from '../ssh/relay.ts'
import type { SftpOptions } from '../ssh/sftp-server.ts'
import { startSshServer } from '../ssh/ssh-server.ts'
import { createLocalGuest, type LocalGuest } from './local-guest.ts'

const signal = new AbortController().signal

type Options = {
  sftp?: SftpOptions
  onExec?: (command: string, channel: ServerChannel, guest: LocalGuest) => void
}

/** A prepared session with a guest on this computer, over a real SSH connection that can be cut. */
async function open({ sftp = {}, onExec }: Options = {}) {
  const guest = await createLocalGuest()
  const server = await startSshServer({
    sftp: { map: guest.map, ...sftp },
    onExec: (command, channel) => (onExec ?? guest.serve)(command, channel, guest),
  })
  const relay: Relay = await startRelay(server.port)
  const link = new GuestLink({
    port: () => relay.port,
    login: server.login,
    onConnect: async () => undefined,
  })
  onTestFinished(() => link.close())
  const notes: string[] = []
  const machine = {
    gone: signal,
    endWithin: async () => undefined,
    findings: [],
    console: createFakeConsole(),
  }
  const session = guestSession({
    link,
    user: userInfo().username,
    proxyPort: () => undefined,
    guard: (given, call) => guarded({ machine, signal: given, call }),
    onNote: (note) => void notes.push(note),
  })
  await session.prepare({ workdir: guest.workdir, env: { CI: 'true' } }, signal)
  return { session, guest, server, relay, notes }
}

function stepOf(script: string, more: Partial<StepCommand> = {}) {
  const chunks: Buffer[] = []
  const onOutput = (chunk: Buffer) => void chunks.push(chunk)
  const step: StepCommand = {
    index: 0,
    name: 's',
    script,
    shell: 'sh -e',
    env: {},
    timeout: undefined,
    onOutput,
  }
  return { step: { ...step, ...more }, output: () => Buffer.concat(chunks).toString() }
}

function tarOf(files: Readonly<Record<string, { content: string; mode: number }>>): Readable {
  const tar = pack()
  for (const [name, { content, mode }] of Object.entries(files)) tar.entry({ name, mode }, content)
  tar.finalize()
  return Readable.from(tar)
}

const finished = { kind: 'exited', code: 0, diskFull: false }

describe('what a job does in a guest', () => {
  it('is to unpack what is uploaded, with its modes (AC3)', async () => {
    const { session, guest } = await open()
    const tar = tarOf({
      'run.sh': { content: '#!/bin/sh\necho ran\n', mode: 0o755 },
      'a/b': { content: 'b', mode: 0o640 },
    })
    const { bytes } = await session.upload(tar, signal)
    expect(bytes).toBeGreaterThan(1000)
    expect((await stat(join(guest.workdir, 'run.sh'))).mode & 0o777).toBe(0o755)
    expect((await stat(join(guest.workdir, 'a/b'))).mode & 0o777).toBe(0o640)
    const { step, output } = stepOf('./run.sh')
    expect(await session.runStep(step, signal)).toEqual(finished)
    expect(output()).toBe('ran\n')
    // Gone before the step could see it.
    await expect(stat(guest.map(guestPaths.uploadTar))).rejects.toThrow('ENOENT')
  })

  it('is to run steps one after the other, with what the job and those before gave them', async () => {
    const { session } = await open()
    const one = stepOf('echo LATER=on >>"$MAYFLY_ENV"; echo "$CI $OWN $TOKEN"', {
      env: { OWN: 'mine' },
    })
    expect(await session.runStep(one.step, signal)).toEqual(finished)
    await session.addSecrets({ TOKEN: "it's hunter22" }, signal)
    const two = stepOf('echo "$LATER $TOKEN"; exit 4', { index: 1 })
    expect(await session.runStep(two.step, signal)).toMatchObject({ kind: 'exited', code: 4 })
    expect([one.output(), two.output()]).toEqual(['true mine \n', "on it's hunter22\n"])
  })

  it('is to change the environment alone where it was prepared before, without a command', async () => {
    const commands: string[] = []
    const { session, guest } = await open({
      onExec: (command, channel, { serve }) => {
        commands.push(command)
        serve(command, channel)
      },
    })
    await session.prepare({ workdir: guest.workdir, env: { OTHER: "it's new" } }, signal)
    expect(commands).toEqual(['sudo -n sh -s'])
    const { step, output } = stepOf('echo "$CI.$OTHER"')
    expect(await session.runStep(step, signal)).toEqual(finished)
    expect(output()).toBe(".it's new\n")
    expect((await stat(guest.map(guestPaths.env))).mode & 0o777).toBe(0o600)
    await session.prepare({ workdir: join(guest.root, 'elsewhere'), env: {} }, signal)
    expect(commands.at(-1)).toBe('sudo -n sh -s')
  })

  it('is to run short commands, and to write files whose mode is set', async () => {
    const { session, guest } = await open()
    await session.putFile(join(guest.root, 'script'), Buffer.from('#!/bin/sh\nexit 6\n'), 0o755, signal)
    const { code } = await session.exec(`'${guest.root}/script'`, signal)
    expect(code).toBe(6)
  })

  it('is to look at its files as they are, links not followed', async () => {
    const { session, guest } = await open()
    await guest.sh(
      `cd '${guest.workdir}' && mkdir out && echo hello >out/x && chmod 755 out/x && ln -s x out/link`,
    )
    const out = join(guest.workdir, 'out')
    const entries = await session.files.list(out, signal)
    expect(entries.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'link', kind: 'link', size: 1, mode: 0o777 },
      { name: 'x', kind: 'file', size: 6, mode: 0o755 },
    ])
    expect(await session.files.stat(join(out, 'link'), signal)).toMatchObject({ kind: 'link' })
    expect(await session.files.stat(join(out, 'nothing'), signal)).toBeUndefined()
    expect(await session.files.realpath(join(out, 'link'), signal)).toBe(join(out, 'x'))
    expect(await text(session.files.read(join(out, 'x'), signal))).toBe('hello\n')
  })

  it('leaves to its caller what the guest’s server says of a file: that is no lost connection', async () => {
    const { session, guest } = await open()
    const missing = join(guest.workdir, 'nothing')
    const started = performance.now()
    const faults = [
      await session.files.list(missing, signal).catch((error: unknown) => error),
      await session.files.realpath(missing, signal).catch((error: unknown) => error),
      await text(session.files.read(missing, signal)).catch((error: unknown) => error),
    ]
    for (const fault of faults) expect(fault).not.toBeInstanceOf(InfraError)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

describe('a rehearsal', () => {
  const left = async ({ workdir, map }: LocalGuest) => [
    ...(await readdir(workdir)),
    ...(await readdir(map(guestPaths.jobFolder))),
    ...(await readdir(map(guestPaths.outputFolder))),
  ]
  const rehearsed = async () => {
    const commands: string[] = []
    const opened = await open({
      onExec: (command, channel, { serve }) => {
        commands.push(command)
        serve(command, channel)
      },
    })
    const before = await left(opened.guest)
    await opened.session.rehearse(signal)
    // Those of the first step, which are the job's own in any case.
    const expected = [...before, '0', '0.log'].sort()
    await expect.poll(async () => (await left(opened.guest)).sort()).toEqual(expected)
    commands.length = 0
    return { ...opened, commands }
  }

  it('leaves nothing for a job to find, whose upload and first step begin without a command', async () => {
    const { session, guest, commands } = await rehearsed()
    await session.prepare({ workdir: guest.workdir, env: { OF: 'the job' } }, signal)
    await session.upload(tarOf({ a: { content: 'of a', mode: 0o644 } }), signal)
    const { step, output } = stepOf('cat a; echo " $OF $OWN"; ls -A; exit 3', { env: { OWN: 'mine' } })
    expect(await session.runStep(step, signal)).toMatchObject({ kind: 'exited', code: 3 })
    expect(output()).toBe('of a the job mine\na\n')
    expect(commands).toEqual([])
    await expect(stat(guest.map(guestPaths.uploadTar))).rejects.toThrow('ENOENT')
    const again = stepOf('never')
    expect(await session.runStep(again.step, signal)).toMatchObject({ kind: 'exited', code: 3 })
    expect(again.output()).toBe('of a the job mine\na\n')
    expect(commands).toHaveLength(1)
    const second = stepOf('echo second', { index: 1 })
    expect(await session.runStep(second.step, signal)).toEqual(finished)
    await session.upload(tarOf({ b: { content: 'of b', mode: 0o644 } }), signal)
    expect(await readFile(join(guest.workdir, 'b'), 'utf8')).toBe('of b')
  })

  it('does no harm where the connection breaks after it', async () => {
    const { session, relay, guest } = await rehearsed()
    relay.cut()
    const isBack = async () => (await session.exec('true', signal).catch(() => undefined))?.code
    await expect.poll(isBack).toBe(0)
    await session.upload(tarOf({ a: { content: 'of a', mode: 0o644 } }), signal)
    const { step, output } = stepOf(`echo run >>'${guest.root}/count'; cat a`)
    expect(await session.runStep(step, signal)).toEqual(finished)
    expect(output()).toBe('of a')
    expect(await readFile(join(guest.root, 'count'), 'utf8')).toBe('run\n')
  })

  it('does no harm where it breaks under the step: no byte is lost or comes twice', async () => {
    const { session, relay } = await rehearsed()
    const { step, output } = stepOf('for i in 1 2 3 4 5 6; do echo "line $i"; sleep 0.1; done; exit 7')
    const running = session.runStep(step, signal)
    await expect.poll(output).toContain('line 2')
    relay.cut()
    expect(await running).toMatchObject({ kind: 'exited', code: 7 })
    expect(output()).toBe([1, 2, 3, 4, 5, 6].map((i) => `line ${i}\n`).join(''))
  })

  it('does no harm to a job with another working directory', async () => {
    const { session, guest } = await rehearsed()
    const workdir = join(guest.root, 'elsewhere')
    await session.prepare({ workdir, env: {} }, signal)
    await session.upload(tarOf({ a: { content: 'of a', mode: 0o644 } }), signal)
    const { step, output } = stepOf('pwd; cat a')
    expect(await session.runStep(step, signal)).toEqual(finished)
    expect(output()).toBe(`${workdir}\nof a`)
  })

  it('leaves a step that can be stopped when its time is over', async () => {
    const { session, guest } = await rehearsed()
    const marker = `7${process.pid}.75`
    const { step } = stepOf(`echo begun; sleep ${marker}`, { timeout: 500 })
    expect(await session.runStep(step, signal)).toEqual({ kind: 'timed-out', timeout: 500, answers: true })
    expect(await guest.isRunning(`sleep ${marker}`)).toBe(false)
  })
})

describe('a connection that breaks under a step', () => {
  it('is made anew, and every byte of the output is handed over once', async () => {
    const { session, relay, notes } = await open()
    const { step, output } = stepOf('for i in 1 2 3 4 5 6 7 8; do echo "line $i"; sleep 0.1; done')
    const running = session.runStep(step, signal)
    await expect.poll(output).toContain('line 2')
    relay.cut()
    await expect.poll(output).toContain('line 5')
    relay.cut()
    expect(await running).toEqual(finished)
    expect(output()).toBe([1, 2, 3, 4, 5, 6, 7, 8].map((i) => `line ${i}\n`).join(''))
    expect(notes.filter((note) => note.startsWith('reading on from byte'))).toHaveLength(2)
  })

  it('is made anew, too, when only its channel closed without a status', async () => {
    let runs = 0
    const { session, server } = await open({
      onExec: (command, channel, guest) => {
        if (command.includes(' run ') && ++runs === 1) channel.close()
        else guest.serve(command, channel)
      },
    })
    const { step, output } = stepOf('echo once')
    expect(await session.runStep(step, signal)).toEqual(finished)
    expect(output()).toBe('once\n')
    expect(server.logins()).toBe(2)
  })
})

describe('a step that is asked for again', () => {
  it('is watched and not started anew', async () => {
    const { session, guest } = await open()
    const script = `echo run >>'${guest.root}/count'; sleep 0.3; echo done`
    const stop = new AbortController()
    const first = stepOf(script)
    const running = session.runStep(first.step, stop.signal)
    await expect.poll(() => readFile(join(guest.root, 'count'), 'utf8').catch(() => '')).toBe('run\n')
    stop.abort(new Error('the orchestrator ended'))
    await expect(running).rejects.toThrow('the orchestrator ended')
    const again = stepOf(script)
    expect(await session.runStep(again.step, signal)).toEqual(finished)
    expect(again.output()).toBe('done\n')
    expect(await readFile(join(guest.root, 'count'), 'utf8')).toBe('run\n')
  })
})

describe('a step that does not end well', () => {
  it('is stopped when its time is over', async () => {
    const { session, guest } = await open()
    const marker = `6${process.pid}.75`
    const { step, output } = stepOf(`echo begun; sleep ${marker}`, { timeout: 500 })
    expect(await session.runStep(step, signal)).toEqual({ kind: 'timed-out', timeout: 500, answers: true })
    expect(output()).toBe('begun\n')
    expect(await guest.isRunning(`sleep ${marker}`)).toBe(false)
  })

  it('is killed when its shell was', async () => {
    const { session } = await open()
    const { step } = stepOf('kill -KILL $PPID; sleep 9')
    expect(await session.runStep(step, signal)).toEqual({ kind: 'killed' })
  })

  it('fails for good when its output cannot be kept: the connection is not to blame', async () => {
    const { session, notes } = await open()
    const full = new InfraError('host-disk-full', 'expected to write, got ENOSPC')
    const { step } = stepOf('echo x', { onOutput: () => Promise.reject(full) })
    await expect(session.runStep(step, signal)).rejects.toBe(full)
    expect(notes).toEqual([])
  })

  it('is refused with NUL in its script, as the user’s to mend', async () => {
    const { session } = await open()
    await expect(session.runStep(stepOf('echo \0').step, signal)).rejects.toBeInstanceOf(ConfigError)
  })

  it('whose script cannot be written is an upload that failed', async () => {
    const { session } = await open({ sftp: { refuse: ['MKDIR'] } })
    const error = await session.runStep(stepOf('true').step, signal).catch((fault: unknown) => fault)
    expect(error).toMatchObject({
      class: 'upload',
      message: expect.stringContaining('the script of step "s"'),
    })
  })

  it('whose status nobody can read is the machine’s fault', async () => {
    const { session } = await open({
      onExec: (command, channel, guest) => {
        if (!command.includes(' run ')) return guest.serve(command, channel)
        channel.stderr.write('I am a teapot\n')
        channel.exit(0)
        channel.end()
      },
    })
    const error = await session.runStep(stepOf('true').step, signal).catch((fault: unknown) => fault)
    expect(error).toMatchObject({ class: 'machine-died', message: expect.stringContaining('I am a teapot') })
  })
})

describe('an upload that does not end well', () => {
  it.each<[string, Options, () => Readable, RegExp]>([
    ['what was sent is no tar', {}, () => Readable.from([Buffer.alloc(2048, 'x')]), /could not be unpacked/],
    [
      'the guest’s disk is full',
      { sftp: { refuse: ['WRITE'] } },
      () => tarOf({}),
      /could not be put into the machine/,
    ],
    ['a mode cannot be set', { sftp: { refuse: ['FSETSTAT'] } }, () => tarOf({}), /could not be put/],
    ['a file of this host cannot be read', {}, () => failing(new Error('EIO')), /read on this host: EIO/],
  ])('because %s is of class upload and says so', async (_, options, tar, words) => {
    const { session } = await open(options)
    const error = await session.upload(tar(), signal).catch((fault: unknown) => fault)
    expect(error).toMatchObject({ class: 'upload', message: expect.stringMatching(words) })
  })

  it('because the user’s tree is too large stays the user’s to mend', async () => {
    const { session } = await open()
    const refusal = new ConfigError('expected at most 4 GiB, got more')
    await expect(session.upload(failing(refusal), signal)).rejects.toBe(refusal)
  })
})

describe('a guest that hangs', () => {
  it.each(['exec', 'upload', 'stat'] as const)('does not hold up the abort of %s', async (name) => {
    const { session, relay } = await open()
    relay.freeze()
    const stop = new AbortController()
    const calls = {
      exec: () => session.exec('true', stop.signal),
      upload: () => session.upload(tarOf({}), stop.signal),
      stat: () => session.files.stat('/', stop.signal),
    }
    const call: Promise<unknown> = calls[name]()
    call.catch(() => undefined)
    await sleep(50)
    const started = performance.now()
    stop.abort(new Error('cancelled'))
    await expect(call).rejects.toThrow('cancelled')
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

function failing(error: Error): Readable {
  return new Readable({
    read() {
      this.destroy(error)
    },
  })
}
