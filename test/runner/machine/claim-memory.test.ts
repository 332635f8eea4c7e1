import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { ownIdentity, type ProcessIdentity, processIdentity } from '../../../images/process-identity.ts'
import { NoMemory } from '../../../runner/machine/check-memory.ts'
import { claimMemory } from '../../../runner/machine/claim-memory.ts'
import { machineRecordName, machinesFolder } from '../../../runner/machine/filenames.ts'
import { type MachineRecord, writeMachineRecord } from '../../../runner/machine/machine-record.ts'
import { outstandingMemory } from '../../../runner/machine/outstanding-memory.ts'

const MiB = 2 ** 20
const signal = new AbortController().signal
let dataFolder: string
beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'mayfly-claim-'))
})
afterEach(() => rm(dataFolder, { recursive: true }))

/** A folder like /proc: what the host has free, and what its processes have taken, in MiB. */
async function fakeProc(available: number, taken: ReadonlyMap<number, number> = new Map()): Promise<string> {
  const proc = join(dataFolder, 'proc')
  await rm(proc, { recursive: true, force: true })
  await mkdir(proc)
  const meminfo = `MemTotal: ${1024 * 1024} kB\nMemAvailable: ${available * 1024} kB\n`
  await writeFile(join(proc, 'meminfo'), meminfo)
  for (const [pid, mebibytes] of taken) {
    await mkdir(join(proc, String(pid)))
    await writeFile(join(proc, String(pid), 'status'), `RssAnon: ${mebibytes * 1024} kB\n`)
  }
  return proc
}

/** Puts a machine's record where it belongs; `promised` in MiB. */
async function record(id: string, parts: Partial<MachineRecord> & { promised: number }): Promise<void> {
  const folder = join(machinesFolder(dataFolder), id)
  await mkdir(folder, { recursive: true })
  const whole = { id, owner: ownIdentity(), runFolder: folder, cloned: true, ...parts }
  await writeMachineRecord(join(folder, machineRecordName), { ...whole, promised: parts.promised * MiB })
}

const gone = { pid: ownIdentity().pid, startTime: 1 }
const claim = (id: string, mebibytes: number, proc?: string) =>
  claimMemory({
    ...{ dataFolder, signal, need: { guest: mebibytes * MiB, own: 0 } },
    write: () => record(id, { promised: mebibytes }),
    ...(proc === undefined ? {} : { proc }),
  })

describe('what is outstanding', () => {
  it('is all of the promise while QEMU does not run yet, and then what it has not taken', async () => {
    const qemu = ownIdentity()
    await record('starting', { promised: 300 })
    await record('running', { promised: 200, qemu })
    expect(await outstandingMemory(dataFolder, await fakeProc(0, new Map([[qemu.pid, 150]])))).toBe(350 * MiB)
    // One that has taken more than it was promised owes nothing to the others.
    expect(await outstandingMemory(dataFolder, await fakeProc(0, new Map([[qemu.pid, 250]])))).toBe(300 * MiB)
  })

  it('is nothing of machines that are gone, and nothing where there never was one', async () => {
    const proc = await fakeProc(0)
    expect(await outstandingMemory(dataFolder, proc)).toBe(0)
    await record('ended', { promised: 200, qemu: gone })
    await record('never-started', { promised: 200, owner: gone })
    await mkdir(join(machinesFolder(dataFolder), 'no-record-yet'))
    expect(await outstandingMemory(dataFolder, proc)).toBe(0)
    await record('of-a-dead-owner', { promised: 200, owner: gone, qemu: ownIdentity() })
    expect(await outstandingMemory(dataFolder, proc)).toBe(200 * MiB)
  })
})

type Event =
  | { kind: 'start'; which: number; size: number }
  | { kind: 'take'; which: number; percent: number }
  | { kind: 'end'; which: number }

/** Processes that stand for QEMUs, gone after the test. */
async function standIns(count: number): Promise<ProcessIdentity[]> {
  const children = Array.from({ length: count }, () => spawn('sleep', ['600'], { stdio: 'ignore' }))
  onTestFinished(() => {
    for (const child of children) child.kill('SIGKILL')
  })
  await Promise.all(children.map((child) => once(child, 'spawn')))
  return children.map(identityOf)
}

function identityOf({ pid = 0 }: ChildProcess): ProcessIdentity {
  const identity = processIdentity(pid)
  if (identity === undefined) throw new Error('expected the process to run')
  return identity
}

describe('a claim', () => {
  it('is refused exactly where the promises would exceed the host, whatever machines take and whenever they end', async () => {
    const qemus = await standIns(6)
    const which = fc.nat({ max: qemus.length - 1 })
    const event: fc.Arbitrary<Event> = fc.oneof(
      fc.record({ kind: fc.constant('start' as const), which, size: fc.integer({ min: 1, max: 500 }) }),
      fc.record({ kind: fc.constant('take' as const), which, percent: fc.nat({ max: 100 }) }),
      fc.record({ kind: fc.constant('end' as const), which }),
    )
    const total = 1000
    const play = async (events: readonly Event[]) => {
      await rm(machinesFolder(dataFolder), { recursive: true, force: true })
      const machines = new Map<number, { promised: number; taken: number }>()
      const sum = (what: 'promised' | 'taken') =>
        [...machines.values()].reduce((mebibytes, machine) => mebibytes + machine[what], 0)
      for (const given of events) {
        const id = `m${given.which}`
        const qemu = qemus[given.which]
        const machine = machines.get(given.which)
        if (given.kind === 'start' && machine === undefined && qemu !== undefined) {
          const taken = [...machines].map(([at, each]) => [qemus[at]?.pid ?? 0, each.taken] as const)
          const claimed = claim(id, given.size, await fakeProc(total - sum('taken'), new Map(taken)))
          const error = await claimed.then(() => undefined).catch((refusal: unknown) => refusal)
          if (sum('promised') + given.size > total) expect(error).toBeInstanceOf(NoMemory)
          else expect(error).toBeUndefined()
          if (error !== undefined) continue
          machines.set(given.which, { promised: given.size, taken: 0 })
          await record(id, { promised: given.size, qemu })
        } else if (given.kind === 'take' && machine !== undefined) {
          machine.taken = Math.max(machine.taken, Math.floor((machine.promised * given.percent) / 100))
        } else if (given.kind === 'end') {
          machines.delete(given.which)
          await rm(join(machinesFolder(dataFolder), id), { recursive: true, force: true })
        }
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(event, { maxLength: 20 }), play), { numRuns: 30 })
  })

  it('of one process at the same moment as another’s never passes for the same memory', async () => {
    const proc = await fakeProc(1000)
    const claims = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => claim(`m${i}`, 300, proc)))
    expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
  })

  it('of several processes at the same moment neither', { timeout: 60_000 }, async () => {
    const proc = await fakeProc(1000)
    const script = fileURLToPath(new URL('claim-child.ts', import.meta.url))
    const children = Array.from({ length: 4 }, (_, i) =>
      spawn(process.execPath, ['--import', 'tsx', script, dataFolder, proc, `m${i}`, String(400 * MiB)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    )
    onTestFinished(() => {
      for (const child of children) child.kill('SIGKILL')
    })
    const lines = children.map((child) => createInterface({ input: child.stdout })[Symbol.asyncIterator]())
    const said = () => Promise.all(lines.map(async (line) => (await line.next()).value as string))
    expect(await said()).toEqual(Array(4).fill('ready'))
    for (const child of children) child.stdin.write('go\n')
    const answers = await said()
    expect(answers.filter((answer) => answer === 'claimed')).toHaveLength(2)
    expect(answers.filter((answer) => answer.startsWith('refused: the job asks for 400 MiB'))).toHaveLength(2)
    const ends = children.map((child) => once(child, 'exit'))
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(ends)
    // The memory of a killed process is free again, although nobody has cleared away its machine.
    await claim('next', 1000, proc)
  })

  it('that is given up while it waits leaves nothing, and lets those behind it through', async () => {
    const proc = await fakeProc(1000)
    const stop = new AbortController()
    const written: string[] = []
    const asking = (id: string, given: AbortSignal) =>
      claimMemory({
        ...{ dataFolder, proc, need: { guest: MiB, own: 0 }, signal: given },
        write: async () => void written.push(id),
      })
    const claims = [asking('a', signal), asking('b', stop.signal), asking('c', signal)]
    stop.abort(new Error('cancelled'))
    await expect(claims[1]).rejects.toThrow('cancelled')
    await Promise.all([claims[0], claims[2]])
    expect(written).toEqual(['a', 'c'])
  })

  it('sees what real processes have taken: what one touches is outstanding no more', async () => {
    const program =
      'const all = []; process.stdin.on("data", () => { all.push(Buffer.alloc(2 ** 27, 1)); console.log("took") })'
    const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    await record('m', { promised: 2048, qemu: identityOf(child) })
    const readings: number[] = []
    for (let takes = 0; takes < 3; takes++) {
      readings.push(await outstandingMemory(dataFolder))
      child.stdin.write('more\n')
      await once(child.stdout, 'data')
    }
    const [before = 0, one = 0, two = 0] = readings
    expect(before).toBeLessThan(2048 * MiB)
    expect(before - one).toBeGreaterThan(110 * MiB)
    expect(one - two).toBeGreaterThan(110 * MiB)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await outstandingMemory(dataFolder)).toBe(0)
  })
})
