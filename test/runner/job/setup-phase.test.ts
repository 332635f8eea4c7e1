import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { RecordingMachine } from '../../../runner/checkpoint/recording-machine.ts'
import type { SetupAccess } from '../../../runner/checkpoint/setup.ts'
import type { JobSource, MachineOrder, StartMachine } from '../../../runner/job/job-order.ts'
import type { CheckpointFacts } from '../../../runner/machine/machine.ts'
import { createFakeMachine, type FakeMachine, type FakeMachineOptions } from '../../fake-machine.ts'
import { type JobSetting, liveJob, readKept } from './live-job.ts'

const setupAccess: SetupAccess = { scope: 'repository github:o/r', readsAll: false, mayKeep: true }
const pipeline = `
env: { FLAVOUR: plain }
secrets: [ TOKEN ]
setup: [ install one, install two ]
setup_files: [ deps.lock ]
steps: [ make ]
`
const repository = { 'deps.lock': 'lock 1', 'main.c': 'int main;' }
const secrets = { TOKEN: 'hunter22-correct-horse' }

const live = (setting: Partial<JobSetting> = {}) =>
  liveJob({ pipeline, repository, secrets, setupAccess, ...setting })

const key = 'ab'.repeat(8)
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()
const restored: CheckpointFacts = { state: 'restored', key, made: minutesAgo(90), build: 'b0' }

type Recorded = {
  /** The machines in their order: the one in which the setup is recorded, and the one that the job goes on with. */
  readonly machines: FakeMachine[]
  readonly orders: MachineOrder[]
  readonly startMachine: StartMachine
  /** Whether those that wait for what is recorded are told to go on. */
  isOver(): boolean
}

/** Starts a machine that keeps its setup, all of it real but for the machines themselves. */
function recorded(
  result: 'kept' | 'to-run-again',
  options: Record<'first' | 'second', FakeMachineOptions>,
): Recorded {
  const machines: FakeMachine[] = []
  const orders: MachineOrder[] = []
  let isOver = false
  const make = (given: FakeMachineOptions, checkpoint: CheckpointFacts) => {
    const machine = createFakeMachine({ ...given, facts: { ...given.facts, checkpoint } })
    machines.push(machine)
    return machine
  }
  const after: CheckpointFacts =
    result === 'kept' ? { state: 'kept', key, freezeMs: 800 } : { state: 'none', reason: 'it was not to be' }
  return {
    machines,
    orders,
    isOver: () => isOver,
    startMachine: async (order) => {
      orders.push(order)
      const recorder = make(options.first, { state: 'to-keep', key, reason: 'there is none yet' })
      return new RecordingMachine({
        recorder,
        keep: async () => {
          await recorder.destroy('now')
          return { machine: make(options.second, after), result }
        },
        onOver: async () => {
          isOver = true
        },
      })
    },
  }
}

const ran = (machine: FakeMachine | undefined) => machine?.ran.map(({ script }) => script)
const uploaded = (machine: FakeMachine | undefined) =>
  machine?.uploads.map((entries) => entries.map(({ name }) => name))

describe('a job whose setup is restored from a checkpoint', () => {
  it('runs its steps alone, with their own environment, and says whose setup it is', async () => {
    const lived = await live({ facts: { strategy: 'checkpoint', checkpoint: restored } })
    const { machine, record } = lived
    expect(ran(machine)).toEqual(['make'])
    expect(uploaded(machine)).toEqual([['deps.lock', 'main.c']])
    expect(machine?.preparation?.env).toMatchObject({ FLAVOUR: 'plain', MAYFLY_JOB_ID: 'b1-main' })
    expect(machine?.secrets).toEqual(secrets)
    expect(record).toMatchObject({
      verdict: 'passed',
      machine: { strategy: 'checkpoint', checkpoint: restored },
      steps: [{ index: 2, name: 'make', status: 'passed' }],
    })
    const sentence = `setup restored from checkpoint ${key} (made by build b0, 1 h 30 m ago)`
    expect(await readKept(lived, 'log')).toContain(`[mayfly] ${sentence}\n`)
    expect(lived.events).toContainEqual(expect.objectContaining({ type: 'note', message: sentence }))
  })

  it('has its machine started with its own environment, since nothing else is to run in it', async () => {
    const { start } = await live({ facts: { checkpoint: restored } })
    expect(start.orders[0]?.preparation?.env).toMatchObject({ MAYFLY_JOB_ID: 'b1-main' })
    expect(start.orders[0]?.setup).toMatchObject({
      scripts: ['install one', 'install two'],
      shell: 'sh -e',
      maxAge: 7 * 24 * 60 * 60 * 1000,
      access: setupAccess,
      by: { build: 'b1', job: 'b1-main' },
    })
    expect(start.orders[0]?.setup?.files).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('a job whose setup is to be kept', () => {
  it('runs it, goes on in the clone of what was frozen, and says both', async () => {
    const steps = { 'install one': { prints: ['setting up\n'] } }
    const { startMachine, machines } = recorded('kept', { first: { steps }, second: {} })
    const lived = await live({ startMachine })
    const [recorder, clone] = machines
    expect([ran(recorder), ran(clone)]).toEqual([['install one', 'install two'], ['make']])
    expect([uploaded(recorder), uploaded(clone)]).toEqual([[['deps.lock']], [['deps.lock', 'main.c']]])
    expect(clone?.preparation?.env.MAYFLY_JOB_ID).toBe('b1-main')
    expect(lived.record).toMatchObject({ verdict: 'passed', machine: { checkpoint: { state: 'kept', key } } })
    expect(lived.record.steps.map(({ index, status }) => [index, status])).toEqual([
      [0, 'passed'],
      [1, 'passed'],
      [2, 'passed'],
    ])
    const log = await readKept(lived, 'log')
    const said = [
      `setup runs now, to be kept as checkpoint ${key}: there is none yet`,
      'setting up',
      `setup kept as checkpoint ${key} in 0.80 s, from which this job goes on`,
      'step 3: make',
    ].map((text) => log.indexOf(text))
    expect(said).not.toContain(-1)
    expect(said).toEqual([...said].sort((a, b) => a - b))
    expect([recorder?.destroyed.length, clone?.destroyed.length]).toEqual([1, 1])
  })

  it('gives the setup neither a secret nor a word of its build', async () => {
    const { startMachine, machines, orders } = recorded('kept', { first: {}, second: {} })
    await live({ startMachine })
    const [recorder, clone] = machines
    expect([recorder?.secrets, clone?.secrets]).toEqual([{}, secrets])
    const setupEnv = recorder?.preparation?.env ?? {}
    expect(setupEnv).toMatchObject({ CI: 'true', MAYFLY: 'true', FLAVOUR: 'plain' })
    expect(setupEnv).toEqual(orders[0]?.setup?.preparation.env)
    for (const name of ['JOB_ID', 'BUILD_ID', 'REF', 'SHA', 'EVENT', 'REPO'])
      expect(Object.keys(setupEnv)).not.toContain(`MAYFLY_${name}`)
    expect(JSON.stringify(orders[0]?.setup)).not.toContain(secrets.TOKEN)
  })

  it('keeps nothing of a setup that fails, which is the verdict', async () => {
    const steps = { 'install one': { exits: 7 } }
    const { startMachine, machines, isOver } = recorded('kept', { first: { steps }, second: {} })
    let wasOver = false
    const { record } = await live({
      startMachine,
      onEvent: (event) => {
        if (event.type === 'phase-ended' && event.phase === 'setup') wasOver = isOver()
      },
    })
    // Whoever waits for it need not wait for the end of this job as well.
    expect(wasOver).toBe(true)
    expect(record).toMatchObject({
      verdict: 'failed',
      machine: { checkpoint: { state: 'to-keep' } },
      reason: 'step "setup 1" ended with exit code 7',
    })
    expect(record.steps.map(({ status }) => status)).toEqual(['failed', 'skipped'])
    expect(machines).toHaveLength(1)
    expect(machines[0]?.destroyed).toEqual(['now'])
  })

  it('runs it once more where it could not be kept, and has one record of each step', async () => {
    const { startMachine, machines } = recorded('to-run-again', { first: {}, second: {} })
    const lived = await live({ startMachine })
    const setup = ['install one', 'install two']
    expect(machines.map(ran)).toEqual([setup, [...setup, 'make']])
    expect(machines.map(uploaded)).toEqual([[['deps.lock']], [['deps.lock'], ['deps.lock', 'main.c']]])
    const prepared = machines[1]?.calls.filter((call) => call === 'prepare' || call === 'runStep')
    expect(prepared).toEqual(['prepare', 'runStep', 'runStep', 'prepare', 'runStep'])
    expect(lived.record).toMatchObject({ verdict: 'passed', machine: { checkpoint: { state: 'none' } } })
    expect(lived.record.steps.map(({ index, status }) => [index, status])).toEqual([
      [0, 'passed'],
      [1, 'passed'],
      [2, 'passed'],
    ])
    expect(await readKept(lived, 'log')).toContain('setup runs for this job alone: it was not to be\n')
  })

  it('has one record of each step also where the second time goes another way', async () => {
    const steps = { 'install one': { exits: 1 } }
    const { startMachine } = recorded('to-run-again', { first: {}, second: { steps } })
    const { record } = await live({ startMachine })
    expect(record.verdict).toBe('failed')
    expect(record.steps.map(({ index, status }) => [index, status])).toEqual([
      [0, 'failed'],
      [1, 'skipped'],
    ])
  })
})

describe('a setup that runs each time', () => {
  it.each([
    [{ checkpoints: { use: false } }, 'the host file says `checkpoints: { use: false }`'],
    [{ templates: { use: false } }, 'the host file says `templates: { use: false }`'],
  ])('does so where the host file is %j, which the log says', async (host, reason) => {
    const lived = await live({ host })
    const [order] = lived.start.orders
    expect(order?.setup).toBeUndefined()
    expect(order?.checkpoint).toEqual({ state: 'none', reason })
    expect(order?.preparation?.env).not.toHaveProperty('MAYFLY_JOB_ID')
    expect(ran(lived.machine)).toEqual(['install one', 'install two', 'make'])
    expect(uploaded(lived.machine)).toEqual([['deps.lock'], ['deps.lock', 'main.c']])
    expect(lived.machine?.preparation?.env.MAYFLY_JOB_ID).toBe('b1-main')
    const noted = await live({ host, facts: { checkpoint: { state: 'none', reason } } })
    expect(await readKept(noted, 'log')).toContain(`[mayfly] setup runs for this job alone: ${reason}\n`)
  })

  it('does so where nobody said whose checkpoints the job may use', async () => {
    const { start, machine } = await liveJob({ pipeline, repository, secrets })
    expect(start.orders[0]).toMatchObject({ setup: undefined, checkpoint: undefined })
    expect(ran(machine)).toEqual(['install one', 'install two', 'make'])
  })

  it('is not there for a job without one', async () => {
    const { start } = await live({ pipeline: 'steps: [ make ]' })
    expect(start.orders[0]).toMatchObject({ setup: undefined, checkpoint: undefined })
  })

  it('does so where its files are more than 64 MiB, which come whole all the same', async () => {
    const content = Buffer.alloc(65 * 2 ** 20, 'x')
    const files = async () => {
      const archive = pack()
      archive.entry({ name: 'big' }, content)
      archive.finalize()
      return { stream: Readable.from(archive), notes: [] }
    }
    const { start, machine } = await live({ source: { tree: files, files } })
    expect(start.orders[0]).toMatchObject({
      setup: undefined,
      checkpoint: { state: 'none', reason: 'what `setup_files` names is more than 64 MiB' },
    })
    expect(machine?.uploads[0]?.map((entry) => entry.content.length)).toEqual([content.length])
  })
})

describe('the files of a setup', () => {
  it('are read once, so that each machine has those that its checkpoint is known by', async () => {
    let reads = 0
    const files = async () => {
      reads++
      const archive = pack()
      archive.entry({ name: 'deps.lock' }, `as read ${reads} times`)
      archive.finalize()
      return { stream: Readable.from(archive), notes: [] }
    }
    const { startMachine, machines } = recorded('to-run-again', { first: {}, second: {} })
    await live({ startMachine, source: { tree: files, files } })
    const contents = machines.flatMap(({ uploads }) => uploads.map(([entry]) => entry?.content))
    expect(contents).toEqual(['as read 1 times', 'as read 1 times', 'as read 2 times'])
  })

  const sourceOf = (stream: Readable): JobSource => ({
    tree: () => Promise.reject(new Error('nothing gets as far as that')),
    files: async () => ({ stream, notes: [] }),
  })

  it('that cannot be read make the job errored, of class upload, with no machine started', async () => {
    const stream = new Readable({
      read() {
        this.destroy(new Error('EIO: i/o error, read'))
      },
    })
    const { record, start } = await live({ source: sourceOf(stream) })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'upload' })
    expect(record.reason).toBe('what `setup_files` names could not be read: EIO: i/o error, read')
    expect(start.orders).toEqual([])
  })

  it('that never come do not outwait a cancellation', async () => {
    const stream = new Readable({ read: () => undefined })
    const { record } = await live({
      source: sourceOf(stream),
      cancelAt: (event) => event.type === 'phase-started' && event.phase === 'boot',
    })
    expect(record.verdict).toBe('cancelled')
    expect(stream.destroyed).toBe(true)
  })
})
