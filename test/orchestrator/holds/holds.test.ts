import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'ssh2'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createHolds, type Kept, type Slot } from '../../../orchestrator/holds/holds.ts'
import type { OptIn } from '../../../orchestrator/holds/opt-ins.ts'
import type { BuildJob } from '../../../orchestrator/model/build.ts'
import { createRecord } from '../../../runner/job/job-record.ts'
import { createFakeMachine, type FakeMachineOptions } from '../../fake-machine.ts'
import { keptLog } from '../kept-log.ts'
import { memoryStore } from '../memory-store.ts'
import { aBuild, aJob } from '../store/records.ts'
import { until } from '../until.ts'

const gateway = { host: '127.0.0.1', port: 2222, hostKey: 'ssh-ed25519 AAAA' }
const optIn: OptIn = { by: 'ann', at: '2026-01-01T00:00:00.000Z', keys: [{ who: 'ada', publicKey: 'k' }] }
const secrets = ['the-deploy-secret']

type Setting = { slots?: number; perRepository?: number; beforeWrite?: () => Promise<unknown> }

function aHost({ slots = 2, perRepository = 2, beforeWrite }: Setting = {}) {
  const store = memoryStore()
  const { log, lines } = keptLog()
  const optIns = new Map([['gitea:mayfly/hello', optIn]])
  /** What happened to holds, in order. */
  const told: string[] = []
  const jobs: typeof store.jobs = {
    ...store.jobs,
    change: async (...args) => {
      await beforeWrite?.()
      const changed = await store.jobs.change(...args)
      told.push(`${args[0]} ${args[2].hold?.state}${changed === undefined ? ' not written' : ''}`)
      return changed
    },
  }
  const holds = createHolds({
    debug: {
      ...{ listen: { host: '127.0.0.1', port: 0 }, address: undefined },
      ...{ slots, perRepository, longest: 60_000 },
    },
    hostName: 'host-a',
    archiveFolder: '/archive',
    store: { jobs },
    optIns: { get: async (repository) => optIns.get(repository) },
    now: () => new Date('2026-01-02T03:04:05.000Z'),
    log,
  })
  onTestFinished(() => holds.close())
  holds.onEnd((job, why) => told.push(`${job} ends: ${why}`))
  const addJob = async (build: string, change: Partial<BuildJob> = {}) => {
    const job = aJob(build, 'main', { state: 'failed', claim: 1, ...change })
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
  return { store, holds, optIns, told, addJob, keep, holdOf, logged: lines }
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
    const { holds, addJob } = aHost({ slots: 2 })
    for (const build of ['b1', 'b2']) slotOf(holds.reserve(await addJob(build)))
    expect(holds.reserve(await addJob('b3'))).toEqual({
      why: '2 of 2 machines are kept on this host already',
    })
  })

  it('are so many for one repository, and another repository still has room', async () => {
    const { holds, addJob } = aHost({ slots: 3, perRepository: 1 })
    slotOf(holds.reserve(await addJob('b1')))
    expect(holds.reserve(await addJob('b2'))).toEqual({
      why: 'its repository has 1 of 1 already: b1-main',
    })
    slotOf(holds.reserve(await addJob('b3', { repository: 'gitea:mayfly/other' })))
  })

  it('are free again when they were not used, and when what was kept has ended', async () => {
    const { holds, addJob, keep } = aHost({ slots: 1 })
    slotOf(holds.reserve(await addJob('b1'))).release()
    const { job } = await keep('b2')
    expect(holds.reserve(await addJob('b3'))).toHaveProperty('why')
    await holds.end(job.id, 'enough')
    slotOf(holds.reserve(await addJob('b4')))
  })

  it('are not given back by a release once a machine is kept in them', async () => {
    const { holds, addJob, keep } = aHost({ slots: 1 })
    const { slot, machine } = await keep('b1')
    slot.release()
    expect(holds.reserve(await addJob('b2'))).toHaveProperty('why')
    expect(machine.destroyed).toEqual([])
  })

  it('are one for a job, whatever its attempt', async () => {
    const { holds, keep } = aHost()
    const { job } = await keep('b1')
    const again = holds.reserve({ ...job, attempt: 2 })
    expect(again).toEqual({ why: 'the machine of an earlier attempt is still kept' })
  })
})

describe('a machine that is kept', () => {
  it('forgets the secrets, is written down with its time and its gateway, and only then lets anybody in', async () => {
    const { holds, addJob, holdOf } = aHost({ beforeWrite: () => look() })
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

  it('is ended when its time is over, and its slot is free', async () => {
    const { holds, keep, holdOf, told } = aHost({ slots: 1 })
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
    const { holds, keep, holdOf } = aHost()
    const { job, machine } = await keep('b1')
    machine.end({ kind: 'guest-panic', message: 'Oops' })
    await until('it is written down', async () => (await holdOf(job))?.state === 'ended')
    expect(await holdOf(job)).toMatchObject({ why: expect.stringContaining('guest-panic') })
    expect(await holds.authorize(job.id)).toEqual(refused('it has ended'))
    expect(machine.destroyed).toEqual(['now'])
  })

  it('whose secrets cannot be removed is ended, and nobody gets in', async () => {
    const { holds, keep, holdOf, told } = aHost()
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
    const { holds, keep, told } = aHost()
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
    const { holds, addJob, holdOf, told } = aHost()
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

  it('is ended with its host, also where it comes to its slot only then', async () => {
    const { holds, addJob, keep, holdOf } = aHost({ slots: 3, perRepository: 3 })
    const first = await keep('b1')
    const second = await keep('b2')
    const late = slotOf(holds.reserve(await addJob('b3')))
    await holds.close()
    for (const { job, machine } of [first, second]) {
      expect(await holdOf(job)).toMatchObject({ state: 'ended', why: 'its host stops' })
      expect(machine.destroyed).toEqual(['now'])
    }
    const machine = createFakeMachine()
    await late.begin({ machine, record: aRecord(), secrets, ms: 60_000, gateway })
    expect(machine.destroyed).toEqual(['now'])
    expect(machine.calls).not.toContain('forgetSecrets')
  })

  it('lets nobody in once its repository is no longer opted in', async () => {
    const { holds, keep, optIns } = aHost()
    const { job } = await keep('b1')
    expect((await holds.authorize(job.id)).kind).toBe('open')
    optIns.clear()
    expect(await holds.authorize(job.id)).toEqual(refused('not opted in'))
  })

  it('is not spoken of in the record of a later attempt', async () => {
    const { holds, keep, store, holdOf, told } = aHost()
    const { job } = await keep('b1')
    await store.jobs.change(job.id, ['failed'], { claim: 2, attempt: 2, hold: undefined })
    await holds.end(job.id, 'enough')
    expect(await holdOf(job)).toBeUndefined()
    expect(told.at(-1)).toBe('b1-main ended not written')
  })

  it('is visited by a connection of its own, and gives the folder of its attempt for the recordings', async () => {
    const { holds, keep } = aHost()
    const client = new EventEmitter() as Client
    const { job } = await keep('b1', { visit: async () => client })
    const { signal } = new AbortController()
    expect(await holds.connect(job.id, signal)).toBe(client)
    expect(holds.recordings(job.id)).toBe('/archive/jobs/b1-main-1/debug')
    await holds.end(job.id, 'enough')
    await expect(holds.connect(job.id, signal)).rejects.toThrow('the machine of job b1-main is gone')
  })
})
