import { EventEmitter, once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'ssh2'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Job } from '../../../config/pipeline/pipeline.ts'
import type { ShelfImage } from '../../../images/image.ts'
import type { Kept, Slot } from '../../../orchestrator/holds/hold-parts.ts'
import { createHolds } from '../../../orchestrator/holds/holds.ts'
import type { OptIn } from '../../../orchestrator/holds/opt-ins.ts'
import { createParking } from '../../../orchestrator/holds/parking.ts'
import type { LiveTicket } from '../../../orchestrator/holds/tickets.ts'
import type { BuildJob } from '../../../orchestrator/model/build.ts'
import { jobFolderPath } from '../../../runner/job/filenames.ts'
import { createRecord } from '../../../runner/job/job-record.ts'
import { parkedFolder } from '../../../runner/park/filenames.ts'
import type { ResumeParked } from '../../../runner/resume-on-host.ts'
import { createFakeMachine, type FakeMachine, type FakeMachineOptions } from '../../fake-machine.ts'
import { keptLog } from '../kept-log.ts'
import { memoryStore } from '../memory-store.ts'
import { aBuild, aJob } from '../store/records.ts'
import { until } from '../until.ts'
import { memoryKept } from './memory-kept.ts'

const gateway = { host: '127.0.0.1', port: 2222, hostKey: 'ssh-ed25519 AAAA' }
const optIn: OptIn = { by: 'ann', at: '2026-01-01T00:00:00.000Z', keys: [{ who: 'ada', publicKey: 'k' }] }
const secrets = ['the-deploy-secret']
const asked = { name: 'main', debug: { on: 'failure', how: 'hold', hold: 60_000 } } as unknown as Job

type Setting = {
  slots?: number
  perRepository?: number
  beforeWrite?: () => Promise<unknown>
  /** Written by then, but whoever wrote it has not heard so. */
  afterWrite?: () => Promise<unknown>
  resumeParked?: ResumeParked
}

async function aHost({ slots = 2, perRepository = 2, beforeWrite, afterWrite, resumeParked }: Setting = {}) {
  const archiveFolder = await mkdtemp(join(tmpdir(), 'mayfly-holds-'))
  onTestFinished(() => rm(archiveFolder, { recursive: true }))
  const store = memoryStore()
  const { log, lines } = keptLog()
  const optIns = new Map([['gitea:mayfly/hello', optIn]])
  const tickets: LiveTicket[] = []
  /** What happened to holds, in order. */
  const told: string[] = []
  const jobs: typeof store.jobs = {
    ...store.jobs,
    change: async (...args) => {
      await beforeWrite?.()
      const changed = await store.jobs.change(...args)
      await afterWrite?.()
      told.push(`${args[0]} ${args[2].hold?.state}${changed === undefined ? ' not written' : ''}`)
      return changed
    },
  }
  const debug = {
    ...{ listen: { host: '127.0.0.1', port: 0 }, address: undefined },
    ...{ slots, perRepository, longest: 60_000, parked: { quota: 2 ** 30, maxAge: 86_400_000 } },
  }
  const kept = memoryKept()
  let setBy = 0
  /** Machines that were resumed. */
  const resumed: FakeMachine[] = []
  const parking = createParking({
    ...{ debug, archiveFolder, announce: (job, size) => void told.push(`${job} console ${size}`) },
    shelf: {
      resolve: async (name) => ({ name, digest: createFakeMachine().facts.imageDigest }) as ShelfImage,
    },
    resumeParked:
      resumeParked ??
      (async ({ manifest, onConsole }) => {
        const machine = createFakeMachine({ id: `${manifest.id}-again` })
        machine.console.listen(onConsole)
        resumed.push(machine)
        return machine
      }),
  })
  const holds = createHolds({
    ...{ debug, archiveFolder, parking, kept },
    hostName: 'host-a',
    store: { jobs },
    optIns: { get: async (repository) => optIns.get(repository) },
    tickets: { ofJob: async (job) => tickets.filter((ticket) => ticket.job === job) },
    now: () => new Date(Date.parse('2026-01-02T03:04:05.000Z') + setBy),
    log,
  })
  onTestFinished(() => holds.close())
  holds.onEnd((job, why) => told.push(`${job} ends: ${why}`))
  const addJob = async (build: string, change: Partial<BuildJob> = {}) => {
    const job = aJob(build, 'main', { state: 'failed', claim: 1, job: asked, ...change })
    await store.builds.add(aBuild({ id: build, jobs: [job.id] }), [job])
    return job
  }
  const keep = async (build: string, machine: FakeMachineOptions = {}, kept: Partial<Kept> = {}) => {
    const job = await addJob(build)
    const taken = createFakeMachine(machine)
    const slot = slotOf(holds.reserve(job))
    await slot.begin({ machine: taken, record: aRecord(), secrets, ms: 60_000, gateway, ...kept })
    return { job, machine: taken, slot }
  }
  const holdOf = async (job: BuildJob) => (await store.jobs.get(job.id))?.hold
  const parked = (job: BuildJob) => parkedFolder(jobFolderPath(archiveFolder, `${job.id}-${job.attempt}`))
  return {
    ...{
      store,
      holds,
      optIns,
      tickets,
      told,
      addJob,
      keep,
      holdOf,
      kept,
      parking,
      parked,
      resumed,
      archiveFolder,
    },
    logged: lines,
    setClock: (ms: number) => {
      setBy = ms
    },
  }
}

function slotOf(reserved: { slot: Slot } | { why: string }): Slot {
  if ('why' in reserved) throw new Error(`expected a slot, got: ${reserved.why}`)
  return reserved.slot
}

function aRecord() {
  const context = { jobId: 'j', buildId: 'b', repo: 'r', ref: 'm', sha: 's', event: 'push' }
  return { ...createRecord('main', context), verdict: 'failed' as const, reason: 'step "test" failed' }
}

const refused = (why: string) => ({ kind: 'refused', why: expect.stringContaining(why) })

describe('the slots of a host', () => {
  it('are so many, and the next is refused with their number', async () => {
    const { holds, addJob } = await aHost({ slots: 2 })
    for (const build of ['b1', 'b2']) slotOf(holds.reserve(await addJob(build)))
    expect(holds.reserve(await addJob('b3'))).toEqual({
      why: '2 of 2 machines are kept on this host already',
    })
  })

  it('AC50: are so many for one repository, and another repository still has room', async () => {
    const { holds, addJob } = await aHost({ slots: 3, perRepository: 1 })
    slotOf(holds.reserve(await addJob('b1')))
    expect(holds.reserve(await addJob('b2'))).toEqual({
      why: 'its repository has 1 of 1 already: b1-main',
    })
    slotOf(holds.reserve(await addJob('b3', { repository: 'gitea:mayfly/other' })))
  })

  it('are free again when they were not used, and when what was kept has ended', async () => {
    const { holds, addJob, keep } = await aHost({ slots: 1 })
    slotOf(holds.reserve(await addJob('b1'))).release()
    const { job } = await keep('b2')
    expect(holds.reserve(await addJob('b3'))).toHaveProperty('why')
    await holds.end(job.id, 'enough')
    slotOf(holds.reserve(await addJob('b4')))
  })

  it('are not given back by a release once a machine is kept in them', async () => {
    const { holds, addJob, keep } = await aHost({ slots: 1 })
    const { slot, machine } = await keep('b1')
    slot.release()
    expect(holds.reserve(await addJob('b2'))).toHaveProperty('why')
    expect(machine.destroyed).toEqual([])
  })

  it('are one for a job, whatever its attempt', async () => {
    const { holds, keep } = await aHost()
    const { job } = await keep('b1')
    const again = holds.reserve({ ...job, attempt: 2 })
    expect(again).toEqual({ why: 'the machine of an earlier attempt is still kept' })
  })
})

describe('a machine that is kept', () => {
  it('is open to whoever has read that it is kept, although its host has not heard yet that this is written', async () => {
    const { holds, keep } = await aHost({ afterWrite: () => look() })
    const seen: string[] = []
    const look = async () => seen.push((await holds.authorize('b1-main')).kind)
    await keep('b1')
    expect(seen).toEqual(['open'])
  })

  it('forgets the secrets, is written down with its time and its gateway, and only then lets anybody in', async () => {
    const { holds, addJob, holdOf } = await aHost({ beforeWrite: () => look() })
    const job = await addJob('b1')
    const machine = createFakeMachine()
    const seen: unknown[] = []
    const look = async () => seen.push([(await holdOf(job))?.state, (await holds.authorize(job.id)).kind])
    const { forgetSecrets } = machine
    const forgets: typeof forgetSecrets = async (given, signal) => {
      expect(given).toEqual(secrets)
      await look()
      await forgetSecrets(given, signal)
    }
    const slot = slotOf(holds.reserve(job))
    await look()
    await slot.begin({
      ...{ machine: { ...machine, forgetSecrets: forgets }, record: aRecord(), secrets, ms: 60_000, gateway },
    })
    await look()
    expect(seen).toEqual([
      [undefined, 'refused'],
      [undefined, 'refused'],
      [undefined, 'refused'],
      ['held', 'open'],
    ])
    const time = '2026-01-02T03:05:05.000Z'
    expect(await holdOf(job)).toEqual({ state: 'held', host: 'host-a', until: time, gateway })
    expect(await holds.authorize(job.id)).toEqual({
      kind: 'open',
      keys: optIn.keys,
      until: new Date(time),
      greeting: expect.stringContaining('failed: step "test" failed'),
    })
  })

  it('is open to the tickets of its job as well, as long as its repository is opted in', async () => {
    const { holds, keep, optIns, tickets } = await aHost()
    const { job } = await keep('b1')
    const ticket = (id: string): LiveTicket => ({
      ...{ job: id, publicKey: `key of ${id}`, who: 'bob', use: 'console', spend: async () => true },
    })
    tickets.push(ticket(job.id), ticket('another-job'))
    expect(await holds.authorize(job.id)).toMatchObject({ keys: [...optIn.keys, tickets[0]] })
    optIns.clear()
    expect(await holds.authorize(job.id)).toEqual(refused('not opted in'))
  })

  it('is typed on at its console while it lives', async () => {
    const { holds, keep } = await aHost()
    const { job, machine } = await keep('b1')
    const { signal } = new AbortController()
    const console = await holds.openConsole(job.id, signal)
    await console.write(Buffer.from('root\r'))
    expect(machine.typed).toEqual(['root\r'])
    await holds.end(job.id, 'enough')
    await expect(console.write(Buffer.from('x'))).rejects.toThrow()
    await expect(holds.openConsole(job.id, signal)).rejects.toThrow('is gone')
  })

  it('AC50: is ended when its time is over, and its slot is free', async () => {
    const { holds, keep, holdOf, told } = await aHost({ slots: 1 })
    const { job, machine } = await keep('b1', {}, { ms: 50 })
    await until('it is written down', async () => (await holdOf(job))?.state === 'ended')
    expect(await holdOf(job)).toEqual({
      state: 'ended',
      host: 'host-a',
      ended: '2026-01-02T03:04:05.000Z',
      why: 'its time is over',
    })
    expect(machine.destroyed).toEqual(['now'])
    expect(told).toEqual(['b1-main held', 'b1-main ends: its time is over', 'b1-main ended'])
    expect(await holds.authorize(job.id)).toEqual(refused('it has ended'))
    slotOf(holds.reserve(job))
  })

  it('that ends by itself ends its hold', async () => {
    const { holds, keep, holdOf } = await aHost()
    const { job, machine } = await keep('b1')
    machine.end({ kind: 'guest-panic', message: 'Oops' })
    await until('it is written down', async () => (await holdOf(job))?.state === 'ended')
    expect(await holdOf(job)).toMatchObject({ why: expect.stringContaining('guest-panic') })
    expect(await holds.authorize(job.id)).toEqual(refused('it has ended'))
    expect(machine.destroyed).toEqual(['now'])
  })

  it('whose secrets cannot be removed is ended, and nobody gets in', async () => {
    const { holds, keep, holdOf, told } = await aHost()
    const fault = new Error('no such process')
    const { job, machine } = await keep('b1', { faults: { forgetSecrets: fault } })
    expect(await holdOf(job)).toMatchObject({
      state: 'ended',
      why: 'its secrets could not be removed: no such process',
    })
    expect(machine.destroyed).toEqual(['now'])
    expect(told).not.toContain('b1-main held')
    expect(await holds.authorize(job.id)).toEqual(refused('it has ended'))
  })

  it('is ended once, however often that is asked, and only that of its job', async () => {
    const { holds, keep, told } = await aHost()
    const { job, machine } = await keep('b1')
    const other = await keep('b2')
    const ends = [holds.end(job.id, 'ended by ann'), holds.end(job.id, 'ended by bob')]
    expect(await Promise.all(ends)).toEqual([true, true])
    expect(await holds.end(job.id, 'ended by carl')).toBe(false)
    expect(machine.destroyed).toEqual(['now'])
    expect(told.filter((text) => text.startsWith('b1'))).toEqual([
      'b1-main held',
      'b1-main ends: ended by ann',
      'b1-main ended',
    ])
    expect(other.machine.destroyed).toEqual([])
  })

  it('that is ended while its secrets are being removed is never opened', async () => {
    const { holds, addJob, holdOf, told } = await aHost()
    const job = await addJob('b1')
    const machine = createFakeMachine()
    const forgetting = new EventEmitter()
    const forgets = async () => void (await once(forgetting, 'done'))
    const begun = slotOf(holds.reserve(job)).begin({
      ...{ machine: { ...machine, forgetSecrets: forgets }, record: aRecord(), secrets, ms: 60_000, gateway },
    })
    const ended = holds.end(job.id, 'ended by ann')
    forgetting.emit('done')
    await Promise.all([begun, ended])
    await sleep(20)
    expect(told).toEqual(['b1-main ends: ended by ann', 'b1-main ended'])
    expect(await holdOf(job)).toMatchObject({ state: 'ended' })
    expect(await holds.authorize(job.id)).toEqual(refused('it has ended'))
  })

  it('forgets the secrets once more when it is parked, for a visitor may have brought one back', async () => {
    const { holds, keep, holdOf } = await aHost()
    const { job, machine } = await keep('b1')
    await holds.end(job.id, 'parked by ann', 'park')
    expect(machine.calls).toEqual(['forgetSecrets', 'outlive', 'forgetSecrets', 'park', 'destroy'])
    expect(await holdOf(job)).toMatchObject({ state: 'parked' })
  })

  it('is parked when its host stops, but for one that comes to its slot only then', async () => {
    const { holds, addJob, keep, holdOf, told } = await aHost({ slots: 3, perRepository: 3 })
    const first = await keep('b1')
    const fault = new Error('it does not answer')
    const second = await keep('b2', { faults: { park: fault } })
    const lateJob = await addJob('b3')
    const late = slotOf(holds.reserve(lateJob))
    await holds.close()
    expect(await holdOf(first.job)).toMatchObject({ state: 'parked', bytes: 2 ** 27 })
    expect(told).toContain('b1-main ends: its host stops')
    expect(await holdOf(second.job)).toMatchObject({
      ...{ state: 'ended', why: 'it could not be parked: it does not answer' },
    })
    for (const { machine } of [first, second]) expect(machine.destroyed).toEqual(['now'])
    expect(await holdOf(lateJob)).toMatchObject({ state: 'ended', why: 'its host stops' })
    const machine = createFakeMachine()
    await late.begin({ machine, record: aRecord(), secrets, ms: 60_000, gateway })
    expect(machine.destroyed).toEqual(['now'])
    expect(machine.calls).not.toContain('forgetSecrets')
  })

  it('lets nobody in once its repository is no longer opted in', async () => {
    const { holds, keep, optIns } = await aHost()
    const { job } = await keep('b1')
    expect((await holds.authorize(job.id)).kind).toBe('open')
    optIns.clear()
    expect(await holds.authorize(job.id)).toEqual(refused('not opted in'))
  })

  it('is not spoken of in the record of a later attempt', async () => {
    const { holds, keep, store, holdOf, told } = await aHost()
    const { job } = await keep('b1')
    await store.jobs.change(job.id, ['failed'], { claim: 2, attempt: 2, hold: undefined })
    await holds.end(job.id, 'enough')
    expect(await holdOf(job)).toBeUndefined()
    expect(told.at(-1)).toBe('b1-main ended not written')
  })

  it('is visited by a connection of its own, and gives the folder of its attempt for the recordings', async () => {
    const { holds, keep, archiveFolder } = await aHost()
    const client = new EventEmitter() as Client
    const { job } = await keep('b1', { visit: async () => client })
    const { signal } = new AbortController()
    expect(await holds.connect(job.id, signal)).toBe(client)
    expect(holds.recordings(job.id)).toBe(join(archiveFolder, 'jobs/b1-main-1/debug'))
    await holds.end(job.id, 'enough')
    await expect(holds.connect(job.id, signal)).rejects.toThrow('the machine of job b1-main is gone')
  })
})

describe('a machine that is parked', () => {
  const parkedMachine = async (setting: Setting = {}, machine: FakeMachineOptions = {}) => {
    const host = await aHost(setting)
    const job = await host.addJob('b1')
    const taken = createFakeMachine(machine)
    await host.holds.park(job, { machine: taken, record: aRecord(), secrets, ms: 60_000, gateway })
    return { ...host, job, machine: taken }
  }
  const isThere = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined

  it('has forgotten its secrets before, takes no slot, and lets nobody in', async () => {
    const { holds, job, machine, holdOf, kept, parked } = await parkedMachine({ slots: 1 })
    expect(machine.calls).toEqual(['forgetSecrets', 'park', 'destroy'])
    expect(machine.destroyed).toEqual(['now'])
    expect(await holdOf(job)).toEqual({
      ...{ state: 'parked', parked: '2026-07-01T10:00:00.000Z', until: '2026-07-02T10:00:00.000Z' },
      bytes: 2 ** 27,
    })
    expect(await isThere(parked(job))).toBe(true)
    expect(await kept.list()).toEqual([job.id])
    expect(await holds.authorize(job.id)).toEqual(refused('no machine'))
    slotOf(holds.reserve(job))
  })

  it('is ended where its secrets cannot be removed or it cannot be frozen', async () => {
    const first = await parkedMachine({}, { faults: { forgetSecrets: new Error('no such process') } })
    expect(first.machine.calls).not.toContain('park')
    expect(await first.holdOf(first.job)).toMatchObject({
      ...{ state: 'ended', why: 'its secrets could not be removed: no such process' },
    })
    const second = await parkedMachine({}, { faults: { park: new Error('it does not answer') } })
    expect(await second.holdOf(second.job)).toMatchObject({
      ...{ state: 'ended', why: 'it could not be parked: it does not answer' },
    })
    for (const { machine } of [first, second]) expect(machine.destroyed).toEqual(['now'])
  })

  it('is open once it is resumed, for its time, and parked again after it', async () => {
    const { holds, job, holdOf, resumed, parked } = await parkedMachine()
    await holds.resume(job.id, gateway)
    expect(await holdOf(job)).toMatchObject({ state: 'held', gateway, before: { state: 'parked' } })
    resumed[0]?.console.say('login: ')
    const console = join(parked(job), '..', 'console')
    await until('it is on the console', async () =>
      (await readFile(console, 'utf8')).endsWith('goes on:\r\nlogin: '),
    )
    expect(await holds.authorize(job.id)).toMatchObject({ kind: 'open', keys: optIn.keys })
    await holds.end(job.id, 'its time is over', 'park')
    expect(resumed[0]?.calls).toEqual(['outlive', 'park', 'destroy'])
    expect(resumed[0]?.destroyed).toEqual(['now'])
    expect(await holdOf(job)).toMatchObject({ state: 'parked' })
    expect(await isThere(parked(job))).toBe(true)
    await holds.resume(job.id, gateway)
    expect((await holdOf(job))?.state).toBe('held')
    expect(resumed).toHaveLength(2)
  })

  it('is removed with what is parked of it when somebody ends it, resumed or not', async () => {
    const first = await parkedMachine()
    await first.holds.resume(first.job.id, gateway)
    await first.holds.end(first.job.id, 'ended by ann')
    const second = await parkedMachine()
    await second.holds.discard(second.job.id, 'ended by ann')
    for (const { job, holdOf, parked } of [first, second]) {
      expect(await holdOf(job)).toMatchObject({ state: 'ended', why: 'ended by ann' })
      expect(await isThere(parked(job))).toBe(false)
    }
  })

  it('stays as it was, with the reason, where it cannot be resumed or parked again', async () => {
    const broken = await parkedMachine({ resumeParked: () => Promise.reject(new Error('another QEMU')) })
    await broken.holds.resume(broken.job.id, gateway)
    expect(await broken.holdOf(broken.job)).toMatchObject({
      ...{ state: 'parked', why: 'it could not be resumed: another QEMU' },
    })
    slotOf(broken.holds.reserve(broken.job))
    const mute = createFakeMachine({ faults: { park: new Error('it does not answer') } })
    const other = await parkedMachine({ resumeParked: async () => mute })
    await other.holds.resume(other.job.id, gateway)
    mute.end({ kind: 'guest-panic', message: 'Oops' })
    await until('it is parked again', async () => (await other.holdOf(other.job))?.state === 'parked')
    expect(await other.holdOf(other.job)).toMatchObject({ why: 'it could not be parked: Oops' })
    expect(await isThere(other.parked(other.job))).toBe(true)
    expect(mute.destroyed).toEqual(['now'])
  })

  it('is not resumed without a slot, nor by two hosts', async () => {
    const { holds, job, addJob, holdOf, kept, resumed } = await parkedMachine({ slots: 1 })
    slotOf(holds.reserve(await addJob('b2')))
    await holds.resume(job.id, gateway)
    expect(await holdOf(job)).toMatchObject({
      state: 'parked',
      why: '1 of 1 machines are kept on this host already',
    })
    expect(await kept.claim(job.id, 'host-b')).toBe(true)
    await holds.resume(job.id, gateway)
    await holds.discard(job.id, 'ended by ann')
    expect(await holdOf(job)).toMatchObject({ state: 'parked' })
    expect(resumed).toEqual([])
  })

  it('that is ended while it comes back is never opened', async () => {
    const coming = new EventEmitter()
    const machine = createFakeMachine()
    const { holds, job, holdOf, parked, told } = await parkedMachine({
      resumeParked: async () => {
        await once(coming, 'here')
        return machine
      },
    })
    const resuming = holds.resume(job.id, gateway)
    await until('it is being resumed', async () => (await holdOf(job))?.state === 'resuming')
    await until('it is on its way', () => coming.listenerCount('here') === 1)
    expect(await holds.end(job.id, 'ended by ann')).toBe(true)
    coming.emit('here')
    await resuming
    expect(machine.destroyed).toEqual(['now'])
    expect(told).not.toContain('b1-main held')
    expect(await holdOf(job)).toMatchObject({ state: 'ended', why: 'ended by ann' })
    expect(await isThere(parked(job))).toBe(false)
  })
})

describe('a wall clock that is set', () => {
  const day = 86_400_000

  it.each([day, -day])('by %i ms takes no time from a held machine and gives it none', async (jump) => {
    const { holds, keep, setClock, holdOf } = await aHost()
    const { job, machine } = await keep('b1', {}, { ms: 20_000 })
    setClock(jump)
    const wall = Date.parse('2026-01-02T03:04:05.000Z') + jump
    const opened = await holds.authorize(job.id)
    if (opened?.kind !== 'open') throw new Error('expected it to be open')
    const left = opened.until.getTime() - wall
    expect(left).toBeGreaterThan(5_000)
    expect(left).toBeLessThanOrEqual(20_000)
    await until(
      'pages are told',
      async () => {
        const hold = await holdOf(job)
        return hold?.state === 'held' && Math.abs(Date.parse(hold.until) - wall) < 21_000
      },
      15_000,
    )
    await until('it ends in its time', async () => (await holdOf(job))?.state === 'ended', 40_000)
    expect(await holdOf(job)).toMatchObject({ why: 'its time is over' })
    await machine.ended
  })
})
