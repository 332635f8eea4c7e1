import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa, type Options } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { packageRoot } from '../../../images/package-root.ts'
import type { JobHold } from '../../../orchestrator/model/build.ts'
import { jobFolderPath } from '../../../runner/job/filenames.ts'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { type RealSshd, startSshd } from '../gateway/an-sshd.ts'
import { aBrowser } from '../terminal/a-browser.ts'
import { until } from '../until.ts'
import { aKeysServer } from '../user-keys/a-keys-server.ts'
import { oneJob, startWhole, type Whole } from './whole-server.ts'

type Held = Extract<JobHold, { state: 'held' }>

let sshd: RealSshd
let whole: Whole
let folder: string
const ada = makeKeyPair('ada')

beforeAll(async () => {
  sshd = await startSshd()
  folder = await mkdtemp(join(tmpdir(), 'mayfly-debug-test-'))
  await writeFile(join(folder, 'ada'), ada.privateKey, { mode: 0o600 })
  const limits = {
    slots: 2,
    perRepository: 1,
    longest: 10 * 60_000,
    parked: { quota: 2 ** 30, maxAge: 86_400_000 },
  }
  const debug = { listen: { host: '127.0.0.1', port: 0 }, address: undefined, ...limits }
  whole = await startWhole({
    machine: {
      steps: ({ script }) => (script === 'wait' ? { instead: 'hang' } : { exits: 2 }),
      visit: () => sshd.login(new AbortController().signal),
      // Not past its time already, for whoever sweeps meanwhile.
      parked: { made: new Date().toISOString() },
    },
    host: { debug },
  })
}, 120_000)
afterAll(async () => {
  await whole?.close()
  await sshd?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** A job of a new repository that failed, and what became of the wish to keep its machine. */
async function failedJob(name: string, isOptedIn = true, asks = '{ on: failure }') {
  const push = await whole.repository(name, { '.mayfly.yml': `${oneJob}debug: ${asks}\n` })
  const keys = [{ who: 'ada', publicKey: ada.publicKey }]
  const path = `/debug/${encodeURIComponent(`github:${name}`)}`
  if (isOptedIn) expect((await whole.api('PUT', path, { keys })).status).toBe(200)
  await whole.deliver(push)
  const build = await whole.verdict(name, 60_000)
  const id = build.jobs[0]?.id ?? ''
  expect(build.jobs[0]?.state).toBe('failed')
  await until('its machine is kept or refused', async () => (await holdOf(id)) !== undefined, 30_000)
  return { id, hold: (await holdOf(id)) as JobHold }
}

type Shown = { readonly id: string; readonly state: string; readonly visit?: Held['gateway'] }

/** The one job of the newest build of a repository. */
async function jobOf(name: string): Promise<Shown | undefined> {
  return (await whole.builds(name))[0]?.jobs[0] as Shown | undefined
}

async function holdOf(id: string): Promise<JobHold | undefined> {
  return (await whole.api('GET', `/jobs/${id}`)).body.hold as JobHold | undefined
}

function heldOf(hold: JobHold): Held {
  if (hold.state !== 'held') throw new Error(`expected a machine that is kept, got: ${JSON.stringify(hold)}`)
  return hold
}

/** OpenSSH's own client as ada, which knows the host key that the API told. */
async function ssh(id: string, { gateway }: Held, args: readonly string[], options: Options = {}) {
  const known = join(folder, 'known')
  await writeFile(known, `[${gateway.host}]:${gateway.port} ${gateway.hostKey}\n`)
  const flags = ['StrictHostKeyChecking=yes', `UserKnownHostsFile=${known}`, 'IdentitiesOnly=yes']
  return execa(
    'ssh',
    [
      ...['-F', '/dev/null', '-i', join(folder, 'ada'), '-p', String(gateway.port)],
      ...flags.flatMap((flag) => ['-o', flag]),
      ...[...args.filter((arg) => arg.startsWith('-')), `${id}@${gateway.host}`],
      ...args.filter((arg) => !arg.startsWith('-')),
    ],
    { reject: false, timeout: 120_000, stdin: 'ignore', ...options },
  )
}

/** `mayfly ARGS` as a process of its own. */
function mayfly(args: readonly string[]) {
  const main = join(packageRoot(), 'orchestrator', 'command', 'main.ts')
  const env = { MAYFLY_SERVER: whole.url, HOME: folder }
  const command = ['--import', 'tsx', main, ...args]
  return execa(process.execPath, command, { env, reject: false, timeout: 120_000, stdin: 'ignore' })
}

it('lets a maintainer into the machine of a job that failed, and keeps what was done there', {
  timeout: 240_000,
}, async () => {
  const { id, hold } = await failedJob('octo/kept')
  const held = heldOf(hold)
  const shell = await ssh(id, held, ['-tt'], { input: 'echo shell-$((40 + 2)); exit\n', stdin: 'pipe' })
  expect(shell).toMatchObject({ stdout: expect.stringContaining('shell-42') })
  expect(shell.stdout).toContain('step "work" ended with exit code 2')

  const identity = join(folder, 'ada')
  const ran = await mayfly(['debug', '--identity', identity, id, '--', 'echo', 'hi;', 'exit', '3'])
  expect([ran.stdout, ran.exitCode]).toEqual(['hi', 3])

  const page = await (await fetch(`${whole.url}/jobs/${id}`)).text()
  expect(page).toContain(`ssh -p ${held.gateway.port} ${id}@127.0.0.1`)

  const recordings = join(jobFolderPath(whole.data, `${id}-1`), 'debug')
  const [recording = '', ...more] = await readdir(recordings)
  expect(more).toEqual([])
  expect(await readFile(join(recordings, recording), 'utf8')).toContain('shell-42')
  const audit = async () =>
    (await readFile(join(whole.data, 'gateway/audit.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  await until('both sessions are over', async () => (await audit()).filter(isEnd).length === 2)
  expect(await audit()).toContainEqual(expect.objectContaining({ what: 'login', job: id, who: 'ada' }))
  expect(await audit()).toContainEqual(
    expect.objectContaining({ what: 'opened', kind: 'exec', detail: 'echo hi; exit 3' }),
  )

  const sitting = ssh(id, held, ['-T'], { stdin: 'pipe' })
  await until('somebody is in', async () => (await audit()).filter(isLogin).length === 3, 60_000)
  expect((await whole.api('POST', `/jobs/${id}/release`)).status).toBe(202)
  expect(await sitting).toMatchObject({ exitCode: 255, stderr: expect.stringContaining('ended by') })
  await until('it is written', async () => (await holdOf(id))?.state === 'ended')
  expect(machineOf(id)?.destroyed).toEqual(['now'])
  const late = await ssh(id, held, ['true'])
  expect(late).toMatchObject({ exitCode: 255, stderr: expect.stringContaining('no machine of a job') })
  const none = await mayfly(['debug', id])
  expect([none.exitCode === 0, none.stderr]).toEqual([false, expect.stringContaining('ended by')])
})

it('parks the machine of a job that asks for that, and lets a maintainer in when it is resumed', {
  timeout: 240_000,
}, async () => {
  const { id, hold } = await failedJob('octo/parked', true, '{ on: failure, how: park, hold: 5m }')
  expect(hold).toMatchObject({ state: 'parked', bytes: 2 ** 27 })
  expect(machineOf(id)?.destroyed).toEqual(['now'])
  await whole.restart()
  const identity = join(folder, 'ada')
  const inside = await mayfly(['debug', '--identity', identity, id, '--', 'echo', 'here-$((40 + 2))'])
  expect([inside.stdout, inside.exitCode], inside.stderr).toEqual(['here-42', 0])
  expect(inside.stderr).toContain('resuming the machine that was parked')
  expect(await holdOf(id)).toMatchObject({ state: 'held', before: { state: 'parked' } })
  expect((await whole.api('POST', `/jobs/${id}/park`)).status).toBe(202)
  await until('it is parked again', async () => (await holdOf(id))?.state === 'parked')
  expect((await whole.api('POST', `/jobs/${id}/release`)).status).toBe(202)
  await until('it is removed', async () => (await holdOf(id))?.state === 'ended')
  expect(await readdir(jobFolderPath(whole.data, `${id}-1`))).not.toContain('parked')
})

it('lets in who has a key at the forge, and no more once the forge has it no more', {
  timeout: 120_000,
}, async () => {
  const forge = await aKeysServer({ '/ada.keys': ada.publicKey })
  const push = await whole.repository(
    'octo/users',
    { '.mayfly.yml': `${oneJob}debug: { on: failure }\n` },
    forge.url,
  )
  const opted = await mayfly(['repos', 'debug', 'github:octo/users', '--user', 'ada'])
  expect([opted.exitCode, opted.stdout]).toEqual([0, expect.stringContaining(ada.fingerprint)])
  await whole.deliver(push)
  const id = (await whole.verdict('octo/users', 60_000)).jobs[0]?.id ?? ''
  await until('its machine is kept', async () => (await holdOf(id))?.state === 'held', 30_000)
  const held = heldOf((await holdOf(id)) as JobHold)
  expect((await ssh(id, held, ['true'])).exitCode).toBe(0)

  forge.pages['/ada.keys'] = makeKeyPair('other').publicKey
  const refreshed = await mayfly(['repos', 'debug', 'github:octo/users', '--refresh'])
  expect([refreshed.exitCode, refreshed.stdout.includes(ada.fingerprint)]).toEqual([0, false])
  expect((await ssh(id, held, ['true'])).exitCode).toBe(255)
  expect((await whole.api('POST', `/jobs/${id}/release`)).status).toBe(202)
})

it('holds a retry for those who are named with it alone, though nothing else asks for it', {
  timeout: 120_000,
}, async () => {
  await whole.deliver(await whole.repository('octo/retried', { '.mayfly.yml': oneJob }))
  const build = await whole.verdict('octo/retried', 60_000)
  const id = build.jobs[0]?.id ?? ''
  expect(await holdOf(id)).toBe(undefined)
  const none = await mayfly(['retry', id, '--debug'])
  expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('opted in, found neither')])

  await writeFile(join(folder, 'ada.pub'), ada.publicKey)
  const retried = await mayfly(['retry', id, '--debug', '--key', join(folder, 'ada.pub')])
  expect(retried.exitCode, retried.stderr).toBe(0)
  await until('its machine is kept', async () => (await holdOf(id))?.state === 'held', 30_000)
  const held = heldOf((await holdOf(id)) as JobHold)
  expect((await ssh(id, held, ['true'])).exitCode).toBe(0)
  const others = [{ who: 'bob', publicKey: makeKeyPair('bob').publicKey }]
  const path = `/debug/${encodeURIComponent('github:octo/retried')}`
  expect((await whole.api('PUT', path, { keys: others })).status).toBe(200)
  expect((await ssh(id, held, ['true'])).exitCode).toBe(0)
  expect((await whole.api('POST', `/jobs/${id}/release`)).status).toBe(202)
  await until('its end is written', async () => (await holdOf(id))?.state === 'ended')

  const page = await (await fetch(`${whole.url}/jobs/${id}`)).text()
  expect(page).toContain('Retry with debug')
  const origin = { origin: whole.url, 'content-type': 'application/x-www-form-urlencoded' }
  const pressed = await fetch(`${whole.url}/jobs/${id}/retry-with-debug`, {
    method: 'POST',
    headers: origin,
    redirect: 'manual',
  })
  expect(pressed.status).toBe(302)
  await until('it is kept again', async () => (await holdOf(id))?.state === 'held', 30_000)
  // The key of the retry before is not one of the repository's.
  expect((await ssh(id, heldOf((await holdOf(id)) as JobHold), ['true'])).exitCode).toBe(255)
  expect((await whole.api('POST', `/jobs/${id}/release`)).status).toBe(202)
})

it('lets a maintainer in beside a job that runs, says so in its log, and sees them out when its steps are over', {
  timeout: 120_000,
}, async () => {
  const name = 'octo/beside'
  const pipeline = `${oneJob.replace('make', 'wait')}debug: { on: always }\n`
  const push = await whole.repository(name, { '.mayfly.yml': pipeline })
  const keys = [{ who: 'ada', publicKey: ada.publicKey }]
  expect((await whole.api('PUT', `/debug/${encodeURIComponent(`github:${name}`)}`, { keys })).status).toBe(
    200,
  )
  await whole.deliver(push)
  await until('it is open', async () => (await jobOf(name))?.visit !== undefined, 60_000)
  const { id = '', visit, state } = (await jobOf(name)) ?? {}
  expect(state).toBe('running')

  const page = await (await fetch(`${whole.url}/jobs/${id}`)).text()
  expect(page).toContain(`ssh -p ${visit?.port} ${id}@127.0.0.1`)
  const identity = join(folder, 'ada')
  const ran = await mayfly(['debug', '--identity', identity, id, '--', 'echo', 'beside'])
  expect([ran.stdout, ran.exitCode]).toEqual(['beside', 0])
  const stranger = { ...visit, hostKey: visit?.hostKey ?? '' } as Held['gateway']
  const held = { gateway: stranger } as Held
  const sitting = ssh(id, held, ['-T'], { stdin: 'pipe' })
  const logged = async () => await (await fetch(`${whole.url}/api/v1/jobs/${id}/log`)).text()
  const came = /^\[mayfly\] ada came in over debug SSH at \S+Z$/gm
  await until('both logins are in the log', async () => (await logged()).match(came)?.length === 2, 60_000)
  expect(await logged()).toMatch(/^\[mayfly\] ada left debug SSH at \S+Z$/m)
  expect(machineOf(id)?.calls).not.toContain('forgetSecrets')

  expect((await whole.api('POST', `/jobs/${id}/cancel`)).status).toBe(200)
  expect(await sitting).toMatchObject({
    exitCode: 255,
    stderr: expect.stringContaining('the steps of this job are over'),
  })
  await until('it has its verdict', async () => (await jobOf(name))?.state === 'cancelled', 30_000)
  expect((await logged()).match(/ada left debug SSH/g)).toHaveLength(2)
  expect((await jobOf(name))?.visit).toBe(undefined)
  expect((await ssh(id, held, ['true'])).exitCode).toBe(255)
})

it('says on the job why a machine was not kept, and parks one that was when its server stops', {
  timeout: 120_000,
}, async () => {
  const refused = await failedJob('octo/refused', false)
  expect(refused.hold).toEqual({ state: 'refused', why: expect.stringContaining('mayfly repos debug') })
  expect(machineOf(refused.id)?.destroyed).toEqual(['now'])
  const page = await (await fetch(`${whole.url}/jobs/${refused.id}`)).text()
  expect(page).toContain('The machine was not kept: nobody with the scope')

  const { id, hold } = await failedJob('octo/stopped')
  heldOf(hold)
  expect(machineOf(id)?.destroyed).toEqual([])
  await whole.restart()
  expect(machineOf(id)?.destroyed).toEqual(['now'])
  expect(await holdOf(id)).toMatchObject({ state: 'parked' })
})

it('lets a browser into the machine and to its console, with tickets that go through Redis', {
  timeout: 120_000,
}, async () => {
  const { id, hold } = await failedJob('octo/browsed')
  heldOf(hold)
  const open = async (path: string) => {
    const socket = new WebSocket(`${whole.url.replace('http', 'ws')}/api/v1/jobs/${id}/${path}`)
    const browser = aBrowser(socket)
    await once(socket, 'open')
    browser.say({ type: 'open', cols: 80, rows: 24 })
    await browser.message('opened')
    return browser
  }
  const shell = await open('terminal')
  shell.type('echo shell-$((40 + 2))\r')
  await shell.shows('shell-42')
  const console = await open('console/type')
  console.type('root\r')
  await until('it is typed', () => machineOf(id)?.typed.join('') === 'root\r')
  const said = async () => await (await fetch(`${whole.url}/api/v1/jobs/${id}/console`)).text()
  await until('all who read see it', async () => (await said()).includes('root'))
  expect((await whole.api('POST', `/jobs/${id}/release`)).status).toBe(202)
  expect((await shell.message('ended')).why).toContain('ended by')
  expect((await console.message('ended')).why).toContain('ended by')
})

const isEnd = ({ what }: { what: string }) => what === 'ended'
const isLogin = ({ what }: { what: string }) => what === 'login'
const machineOf = (id: string) => whole.start.machines.find((machine) => machine.id === `${id}-1`)
