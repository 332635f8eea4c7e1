import { EventEmitter, once } from 'node:events'
import { watch } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parsePipeline } from '../../../../config/pipeline/parse-pipeline.ts'
import { type KeptMachine, keepMachines } from '../../../../orchestrator/command/kept/keep-machines.ts'
import type { Terminal } from '../../../../orchestrator/command/kept/terminal-shell.ts'
import type { View, ViewedKept } from '../../../../orchestrator/command/view/view.ts'
import { createRecord } from '../../../../runner/job/job-record.ts'
import { createFakeMachine, type FakeMachineOptions } from '../../../fake-machine.ts'
import { startSshd } from '../../gateway/an-sshd.ts'
import { until } from '../../until.ts'

const secret = 'a-secret-of-this-job'

type Setting = {
  terminal?: Terminal
  keepFor?: number
  machine?: FakeMachineOptions
  kept?: Partial<KeptMachine>
}

/** A machine that a failed job has left, kept for whoever ran it. */
async function aKeptMachine({ terminal, keepFor = 60_000, machine: options = {}, kept = {} }: Setting = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-kept-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const interrupt = new AbortController()
  onTestFinished(() => interrupt.abort())
  const told: (ViewedKept | string)[] = []
  const view: Pick<View, 'kept' | 'keptOver'> = {
    kept: (kept) => told.push(kept),
    keptOver: (why) => told.push(why),
  }
  const keyFile = join(folder, 'key')
  const login = { folder, user: 'ci', port: 2200, keyFile, knownHostsFile: join(folder, 'known') }
  const machine = createFakeMachine({ writeLogin: async () => login, ...options })
  const keep = keepMachines({
    ...{ terminal, keepFor, dataFlag: undefined, signal: interrupt.signal },
    view: view as View,
  })
  const over = keep({ ...aFailedJob(), machine, ...kept })
  return { machine, told, over, interrupt, file: join(folder, 'kept.json'), folder }
}

function aFailedJob(): Omit<KeptMachine, 'machine'> {
  const text =
    'secrets: [ TOKEN, PIN ]\nsteps:\n  - { name: make, run: make }\n  - { name: test, run: make test, shell: bash -eu }\n'
  const [job] = parsePipeline({ text, file: 'p.yml' }).jobs
  if (job === undefined) throw new Error('expected a job')
  const context = { jobId: 'local-1-main', buildId: 'b', repo: 'r', ref: 'm', sha: 's', event: 'manual' }
  const record = createRecord('main', context)
  record.verdict = 'failed'
  record.reason = 'step "test" ended with \u001b[31mexit code 2'
  const ran = { exitCode: 0, ms: 1, start: 0, end: 0 }
  record.steps.push({ index: 0, name: 'make', status: 'passed', ...ran })
  record.steps.push({ index: 1, name: 'test', status: 'failed', ...ran, exitCode: 2 })
  return { job, record, secrets: { TOKEN: secret, PIN: '1234' } }
}

describe('the machine of a job that failed, where nobody sits at a terminal', () => {
  it('forgets the secrets first, then tells the way in, and waits until somebody ends it', async () => {
    const { machine, told, over, file } = await aKeptMachine()
    await until('the way in is told', () => told.length > 0)
    expect(machine.calls).toEqual(['forgetSecrets', 'putFile', 'writeLogin'])
    expect(told[0]).toMatchObject({
      job: 'local-1-main',
      inShell: false,
      debug: 'mayfly debug local-1-main',
      ssh: expect.stringMatching(/^ssh -F \/dev\/null -i \S+\/key -p 2200 .*ci@127\.0\.0\.1$/),
    })
    const { greeting } = told[0] as ViewedKept
    expect(greeting).toContain('failed: step "test" ended with exit code 2')
    expect(greeting).toContain('step 2 "test" again: bash -eu /run/mayfly/job/1/script')
    expect(greeting).toContain('perhaps still there: PIN')
    expect(machine.puts).toMatchObject([{ path: '/run/mayfly/job/here', mode: 0o644 }])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ job: 'local-1-main', greeting })
    expect(await readFile(file, 'utf8')).not.toContain(secret)
    expect(machine.destroyed).toEqual([])
    await rm(file)
    await over
    expect(machine.destroyed).toEqual(['now'])
    expect(told.at(-1)).toBe('somebody ended it')
  })

  it('has the step that comes next in its place, where one was left to be run by hand', async () => {
    const { record, job } = aFailedJob()
    const passed = {
      ...record,
      verdict: 'passed' as const,
      reason: undefined,
      steps: record.steps.slice(0, 1),
    }
    const step = {
      name: 'test',
      run: 'make test\necho ok',
      timeout: undefined,
      shell: 'bash -e',
      env: { A: "it's" },
    }
    const { machine, told, interrupt, over } = await aKeptMachine({
      kept: { job, record: passed, secrets: {}, next: { index: 1, step } },
    })
    await until('the way in is told', () => told.length > 0)
    const { greeting } = told[0] as ViewedKept
    expect(greeting).toContain(
      'step 2 "test" comes next and was not run: bash -e /run/mayfly/job/1/script\n    make test\n    echo ok',
    )
    expect(machine.calls).not.toContain('forgetSecrets')
    expect(machine.puts.map(({ path, content }) => [path, content.toString()])).toEqual([
      ['/run/mayfly/job/1/env', "export A='it'\\''s'\n"],
      ['/run/mayfly/job/1/script', 'make test\necho ok\n'],
      ['/run/mayfly/job/here', expect.stringContaining('/run/mayfly/job/1/env')],
    ])
    interrupt.abort()
    await over
  })

  it('is not ended by what else happens in its folder', async () => {
    const { machine, told, over, interrupt, folder } = await aKeptMachine()
    await until('the way in is told', () => told.length > 0)
    const watcher = watch(folder)
    const heard = once(watcher, 'change')
    await writeFile(join(folder, 'other'), '')
    await heard
    watcher.close()
    expect(machine.destroyed).toEqual([])
    interrupt.abort()
    await over
    expect([machine.destroyed, told.at(-1)]).toEqual([['now'], 'interrupted'])
  })

  it('is ended when its time is over, and when it ends by itself', async () => {
    const timed = await aKeptMachine({ keepFor: 30 })
    await timed.over
    expect([timed.machine.destroyed, timed.told.at(-1)]).toEqual([['now'], 'its 0.03 s are over'])
    const off = await aKeptMachine()
    await until('the way in is told', () => off.told.length > 0)
    off.machine.end({ kind: 'powered-off', message: 'off' })
    await off.over
    expect([off.machine.destroyed, off.told.at(-1)]).toEqual([['now'], 'the machine ended: powered-off'])
  })

  it('is ended without anybody being told a way in where its secrets stay in it', async () => {
    const faults = { forgetSecrets: new Error('no hands') }
    const { machine, told, over } = await aKeptMachine({ machine: { faults } })
    await over
    expect(told).toEqual(['it could not be opened: no hands'])
    expect(machine.destroyed).toEqual(['now'])
  })

  it('is ended when somebody presses Ctrl-C while its secrets are removed', async () => {
    const { machine, told, over, interrupt } = await aKeptMachine({
      machine: { faults: { forgetSecrets: 'hang' } },
    })
    interrupt.abort()
    await over
    expect([machine.destroyed, told]).toEqual([['now'], ['interrupted']])
  })
})

/** A person: what is typed, what the screen showed, and whether keys go through as they are. */
function aTerminal() {
  const input = new PassThrough()
  const raw: boolean[] = []
  let shown = ''
  const screen = Object.assign(new EventEmitter(), {
    columns: 91,
    rows: 33,
    write: (chunk: Buffer, done: () => void) => {
      shown += chunk.toString()
      done()
      return true
    },
  })
  const terminal = {
    input: Object.assign(input, { setRawMode: (mode: boolean) => raw.push(mode) }),
    output: screen,
  } as unknown as Terminal
  return { terminal, raw, screen, type: (text: string) => input.write(text), shown: () => shown }
}

describe('the machine of a job that failed, at a terminal', () => {
  it('is a shell that fits the window, until the shell ends, which ends the machine too', async () => {
    const sshd = await startSshd()
    onTestFinished(() => sshd.stop())
    const { terminal, raw, screen, type, shown } = aTerminal()
    const visit = () => sshd.login(new AbortController().signal)
    const { machine, told, over } = await aKeptMachine({ terminal, machine: { visit } })
    await until('keys go through', () => raw.length > 0)
    expect(told).toMatchObject([{ inShell: true, until: undefined }])
    type('echo at-$((40 + 2)); stty size\r')
    await until('the first size', () => shown().includes('33 91'), 60_000)
    expect(shown()).toContain('at-42')
    Object.assign(screen, { columns: 70, rows: 20 })
    screen.emit('resize')
    type('stty size\r')
    await until('the second size', () => shown().includes('20 70'), 60_000)
    type('exit\r')
    await over
    expect(raw).toEqual([true, false])
    expect(machine.destroyed).toEqual(['now'])
    expect(told.at(-1)).toBe('its shell ended')
  })

  it('is left with Enter, ~ and . where the shell does not answer', async () => {
    const sshd = await startSshd()
    onTestFinished(() => sshd.stop())
    const { terminal, raw, type, shown } = aTerminal()
    const visit = () => sshd.login(new AbortController().signal)
    const { machine, told, over } = await aKeptMachine({ terminal, machine: { visit } })
    await until('keys go through', () => raw.length > 0)
    type('echo s-$((40 + 2)); sleep 1000\r')
    await until('it sleeps', () => shown().includes('s-42'), 60_000)
    type('\r~.')
    await over
    expect([raw, machine.destroyed, told.at(-1)]).toEqual([[true, false], ['now'], 'you left it'])
  })

  it('gives the terminal back when the machine ends meanwhile', async () => {
    const sshd = await startSshd()
    onTestFinished(() => sshd.stop())
    const { terminal, raw } = aTerminal()
    const visit = () => sshd.login(new AbortController().signal)
    const { machine, told, over } = await aKeptMachine({ terminal, machine: { visit } })
    await until('keys go through', () => raw.length > 0)
    machine.end({ kind: 'guest-panic', message: 'Oops' })
    await over
    expect([raw, told.at(-1)]).toEqual([[true, false], 'the machine ended: guest-panic'])
  })
})
