import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { ownIdentity, type ProcessIdentity, processIdentity } from '../../../images/process-identity.ts'
import { noLease, writeLease } from '../../../runner/keeper/lease.ts'
import { findOrphans } from '../../../runner/machine/find-orphans.ts'
import { writeMachineRecord } from '../../../runner/machine/machine-record.ts'
import { sweepMachines } from '../../../runner/machine/sweep-machines.ts'

let dataFolder: string
beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'mayfly-sweep-'))
})
afterEach(() => rm(dataFolder, { recursive: true }))

/** A process whose command line is what `argv0` says; ended after the test. */
async function start(argv0: string): Promise<{ child: ChildProcess; identity: ProcessIdentity }> {
  const child = spawn('sleep', ['60'], { argv0, stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'spawn')
  return { child, identity: identityOf(child) }
}

function identityOf(child: ChildProcess): ProcessIdentity {
  const identity = processIdentity(child.pid ?? 0)
  if (identity === undefined) throw new Error('expected the process to run')
  return identity
}

async function deadOwner(): Promise<ProcessIdentity> {
  const { child, identity } = await start('mayfly')
  child.kill('SIGKILL')
  await once(child, 'exit')
  return identity
}

/** A machine's folders as its owner left them. */
async function leave(
  id: string,
  record: { owner: ProcessIdentity; qemu?: ProcessIdentity },
): Promise<string> {
  const folder = join(dataFolder, 'machines', id)
  const runFolder = join(dataFolder, 'run', id)
  await mkdir(folder, { recursive: true })
  await mkdir(runFolder, { recursive: true })
  await writeFile(join(folder, 'overlay.qcow2'), 'disk')
  await writeMachineRecord(join(folder, 'machine.json'), {
    ...{ id, runFolder, promised: 0, cloned: false },
    ...record,
  })
  return folder
}

const left = async (name: string) => (await readdir(join(dataFolder, name)).catch(() => [])).sort()
const runs = ({ exitCode, signalCode }: ChildProcess) => exitCode === null && signalCode === null

describe('the sweep at the start', () => {
  it('ends the machine of a dead owner and clears away its folder and its sockets', async () => {
    const { child, identity } = await start('qemu-system-x86_64 -name job-1')
    await leave('job-1', { owner: await deadOwner(), qemu: identity })
    const exited = once(child, 'exit')
    expect(await sweepMachines(dataFolder)).toEqual(['job-1'])
    await exited
    expect(child.signalCode).toBe('SIGKILL')
    expect([await left('machines'), await left('run')]).toEqual([[], []])
  })

  it('leaves the machine of a living owner alone', async () => {
    const { child, identity } = await start('qemu-system-x86_64 -name job-1')
    await leave('job-1', { owner: ownIdentity(), qemu: identity })
    expect(await sweepMachines(dataFolder)).toEqual([])
    expect(runs(child)).toBe(true)
    expect(await left('machines')).toEqual(['job-1'])
  })

  it.each([
    ['no QEMU', 'sleep -name job-1'],
    ['the QEMU of another machine', 'qemu-system-x86_64 -name job-2'],
  ])('does not end a process that is %s, whatever pid the record has', async (_, argv0) => {
    const { child, identity } = await start(argv0)
    await leave('job-1', { owner: await deadOwner(), qemu: identity })
    expect(await sweepMachines(dataFolder)).toEqual(['job-1'])
    expect(runs(child)).toBe(true)
    expect(await left('machines')).toEqual([])
  })

  it('AC48: does not end a process that was given the pid later', async () => {
    const { child, identity } = await start('qemu-system-x86_64 -name job-1')
    const earlier = { ...identity, startTime: identity.startTime - 1 }
    await leave('job-1', { owner: await deadOwner(), qemu: earlier })
    expect(await sweepMachines(dataFolder)).toEqual(['job-1'])
    expect(runs(child)).toBe(true)
  })

  it('AC48: takes an owner whose pid was given to another for dead', async () => {
    const { identity } = await start('mayfly')
    await leave('job-1', { owner: { ...identity, startTime: identity.startTime - 1 } })
    expect(await sweepMachines(dataFolder)).toEqual(['job-1'])
  })

  it('leaves a machine that may outlive its owner to its keeper, and clears it away once that has ended it', async () => {
    const { child, identity } = await start('qemu-system-x86_64 -name job-1')
    const folder = await leave('job-1', { owner: await deadOwner(), qemu: identity })
    await writeLease(join(folder, 'lease'), { graceMs: 60_000, until: undefined })
    expect(await sweepMachines(dataFolder)).toEqual([])
    expect(await findOrphans(dataFolder)).toMatchObject([{ id: 'job-1', runs: true, keepsake: undefined }])
    expect(runs(child)).toBe(true)
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    expect(await findOrphans(dataFolder)).toMatchObject([{ id: 'job-1', runs: false }])
    expect(await sweepMachines(dataFolder)).toEqual(['job-1'])
  })

  it('ends one whose lease is of no time', async () => {
    const { identity } = await start('qemu-system-x86_64 -name job-1')
    const folder = await leave('job-1', { owner: await deadOwner(), qemu: identity })
    await writeLease(join(folder, 'lease'), noLease)
    expect(await sweepMachines(dataFolder)).toEqual(['job-1'])
  })

  it('clears a folder without a whole record, but not one that is only being made', async () => {
    const old = await leave('old', { owner: await deadOwner() })
    await writeFile(join(old, 'machine.json'), '{ "id": "old", "own')
    const anHourAgo = new Date(Date.now() - 3_600_000)
    await utimes(old, anHourAgo, anHourAgo)
    await mkdir(join(dataFolder, 'machines/new'))
    expect(await sweepMachines(dataFolder)).toEqual(['old'])
    expect(await left('machines')).toEqual(['new'])
  })

  it('finds nothing where there never was a machine', async () => {
    expect(await sweepMachines(join(dataFolder, 'nothing'))).toEqual([])
  })
})
