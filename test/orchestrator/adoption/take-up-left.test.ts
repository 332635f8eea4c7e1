import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  isAlive,
  ownIdentity,
  type ProcessIdentity,
  processIdentity,
} from '../../../images/process-identity.ts'
import type { HoldMachineNote, JobMachineNote } from '../../../orchestrator/adoption/machine-note.ts'
import { findGone, signIn } from '../../../orchestrator/adoption/processes.ts'
import { takeUpLeft } from '../../../orchestrator/adoption/take-up-left.ts'
import type { LeftHold } from '../../../orchestrator/holds/hold-parts.ts'
import { type Keepsake, removeKeepsake, writeKeepsake } from '../../../runner/keeper/keepsake.ts'
import { monotonicMs, writeLease } from '../../../runner/keeper/lease.ts'
import { writeMachineRecord } from '../../../runner/machine/machine-record.ts'
import { hostWorld } from '../worker/host-world.ts'

const life = {
  started: '2026-01-01T00:00:00Z',
  began: 1,
  clockBegan: 2,
  logSize: 3,
  console: { size: 4, held: 0 },
}

describe('what a killed process left', () => {
  it('is gone on with where a machine has a job: it is this host’s from then on, with a new fencing token, and in no line', async () => {
    const world = await left({ kind: 'job', secrets: { TOKEN: 'x' }, life })
    const before = await world.job()
    const [found, ...more] = await world.takeUp()
    expect(more).toEqual([])
    expect(found).toMatchObject({ job: { id: world.id, host: 'next' }, note: { secrets: { TOKEN: 'x' } } })
    expect(await world.job()).toMatchObject({
      state: 'claimed',
      host: 'next',
      claim: (before?.claim ?? 0) + 1,
    })
    expect(await world.queue.waiting(10)).toEqual([])
    expect(isAlive(world.qemu)).toBe(true)
    // The one that was killed could be slow and no more: its word does not count.
    expect(
      await world.store.jobs.change(world.id, ['claimed'], { state: 'passed' }, before?.claim),
    ).toBeUndefined()
    expect(await findGone(world.archiveFolder)).toEqual([])
    expect((await world.hosts.list()).map(({ name }) => name)).toEqual([])
  })

  it('is ended where its job came to its end before anybody took the machine up, as one of a repository that is gone', async () => {
    const world = await left({ kind: 'job', secrets: {}, life })
    const [found] = await world.takeUp()
    await found?.giveUp()
    await world.isGone()
  })

  it('is ended where its job is another host’s by now', async () => {
    const world = await left({ kind: 'job', secrets: {}, life })
    const job = await world.job()
    await world.store.jobs.takeOver(world.id, 'another', job?.claim ?? 0)
    expect(await world.takeUp()).toEqual([])
    expect(await world.job()).toMatchObject({ host: 'another' })
    await world.isGone()
  })

  it('is ended where its job has its verdict', async () => {
    const world = await left({ kind: 'job', secrets: {}, life })
    await world.store.jobs.change(world.id, ['claimed'], { state: 'errored' })
    expect(await world.takeUp()).toEqual([])
    await world.isGone()
  })

  it('is ended where nobody knows what it was for, and its job is put back', async () => {
    const world = await left(undefined)
    expect(await world.takeUp()).toEqual([])
    await world.isGone()
    expect(await world.job()).toMatchObject({ state: 'queued' })
    expect(await world.queue.waiting(10)).toEqual([world.id])
  })

  it('is kept on for its maintainers for the rest of its time', async () => {
    const until = monotonicMs() + 60_000
    const world = await left({ kind: 'hold', until, secrets: ['x'], consoleSize: 7 })
    await world.held()
    await world.takeUp()
    expect(world.takenUp).toMatchObject([{ secrets: ['x'], consoleSize: 7, before: undefined }])
    expect(world.takenUp[0]?.ms).toBeGreaterThan(50_000)
    expect(world.takenUp[0]?.ms).toBeLessThanOrEqual(60_000)
    expect(isAlive(world.qemu)).toBe(true)
  })

  it('is ended where its time as a kept machine is over, which its job then says', async () => {
    const world = await left({ kind: 'hold', until: monotonicMs() - 1, secrets: [], consoleSize: 0 })
    await world.held()
    await world.takeUp()
    expect(world.takenUp).toEqual([])
    await world.isGone()
    expect((await world.job())?.hold).toMatchObject({
      ...{ state: 'ended', host: 'next' },
      why: 'its time was over while its host was down',
    })
  })
})

type Note = Omit<JobMachineNote, 'job' | 'attempt'> | Omit<HoldMachineNote, 'job' | 'attempt'> | undefined

/** A claimed job of a process that is gone, and its machine: a process by that name. */
async function left(note: Note) {
  const world = await hostWorld({ file: 'steps: [ make ]\n' })
  const { store, queue, hosts, builds, archiveFolder } = world
  const { ids } = await world.push()
  const id = Object.values(ids)[0] ?? ''
  await store.jobs.claim(id, 'killed')
  const machine = `${id}-1`
  const dead = await deadProcess()
  await signedInBefore(archiveFolder, dead)
  const child = spawn('sleep', ['60'], { argv0: `qemu-system-x86_64 -name ${machine}`, stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'spawn')
  const qemu = processIdentity(child.pid ?? 0) ?? expect.fail('expected a process')
  const folder = join(archiveFolder, 'machines', machine)
  await mkdir(folder, { recursive: true })
  const runFolder = join(archiveFolder, 'run', machine)
  await writeMachineRecord(join(folder, 'machine.json'), {
    ...{ id: machine, owner: dead, qemu, runFolder, promised: 0, cloned: false },
  })
  await writeLease(join(folder, 'lease'), { graceMs: 60_000, until: undefined })
  if (note !== undefined)
    await writeKeepsake(machine, { note: { ...note, job: id, attempt: 1 } } as unknown as Keepsake)
  onTestFinished(() => removeKeepsake(machine))
  const takenUp: LeftHold[] = []
  const gateway = { host: '127.0.0.1', port: 2222, hostKey: 'k' }
  const { host, log } = world.parts
  return {
    ...world,
    ...{ id, qemu, takenUp },
    job: () => store.jobs.get(id),
    held: () =>
      store.jobs.change(id, ['claimed'], {
        state: 'failed',
        hold: { state: 'held', host: 'killed', until: '', gateway },
      }),
    isGone: async () => {
      if (child.signalCode === null) await once(child, 'exit')
      expect(existsSync(folder)).toBe(false)
    },
    takeUp: () =>
      takeUpLeft({
        ...{
          archiveFolder,
          dataFolder: archiveFolder,
          hostName: 'next',
          host,
          store,
          queue,
          hosts,
          builds,
          log,
        },
        debug: {
          gateway,
          holds: {
            takeUp: async (_job, hold) => {
              takenUp.push(hold)
              return true
            },
          },
        },
      }),
  }
}

async function deadProcess(): Promise<ProcessIdentity> {
  const child = spawn('sleep', ['60'])
  const identity = processIdentity(child.pid ?? 0) ?? ownIdentity()
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
  return identity
}

async function signedInBefore(dataFolder: string, identity: ProcessIdentity): Promise<void> {
  await signIn({ dataFolder, hostName: 'killed' })
  await writeFile(join(dataFolder, 'host', 'processes', 'killed.json'), JSON.stringify(identity))
}
