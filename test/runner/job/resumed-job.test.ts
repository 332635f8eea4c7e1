import { cp, readFile, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import type { JobEvent } from '../../../runner/job/job-event.ts'
import type { JobNote } from '../../../runner/job/job-note.ts'
import type { StepCommand } from '../../../runner/machine/machine.ts'
import { createFakeMachine, type FakeMachine, type FakeStep } from '../../fake-machine.ts'
import { createFakeStart } from '../../fake-start.ts'
import { until } from '../../orchestrator/until.ts'
import { liveJob, temporaryRoot } from './live-job.ts'

const pipeline = `
setup: [ install ]
steps:
  - name: first
    run: one
  - name: second
    run: two
  - name: third
    run: three
artifacts: [ { path: out.txt, when: always } ]
`
const files = { 'out.txt': 'made\n' }
const secret = 'hunter22'
const whole = { setup: 'installed\n', first: '1a\n1b', second: `x hunter22 y\nhunthunter22\n`, third: '' }

type Output = Readonly<Record<string, string>>
/** How far a step came: bytes of its output, and whether it ended with a code. */
type Came = { step: string; bytes: number; ended?: number }

describe('a job that another process began', () => {
  it('goes on at the byte where its log stopped, wherever that is, whatever of it reached the disk', async () => {
    const expected = (await run({ output: whole })).log
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('first', 'second', 'third'),
        fc.nat(100),
        fc.nat(12),
        fc.nat(3),
        async (step, bytes, unwritten, chunk) => {
          const came = { step, bytes: Math.min(bytes, whole[step as keyof typeof whole].length) }
          const left = await killed({ output: whole, came, chunk: chunk + 1 })
          const began = placeOf(left.events, step)
          const { size } = await stat(join(left.folder, 'log'))
          await truncate(join(left.folder, 'log'), Math.max(began, size - unwritten))
          const resumed = await resume(left, { output: whole })
          expect(resumed.log).toBe(expected)
          expect(resumed.record).toMatchObject({ verdict: 'passed' })
        },
      ),
      { numRuns: 60 },
    )
  })

  it('has every step once, with the time that it took in both, and its artifacts', async () => {
    const left = await killed({ output: whole, came: { step: 'second', bytes: 5 } })
    const { record, events } = await resume(left, { output: whole })
    expect(record.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'setup passed',
      'first passed',
      'second passed',
      'third passed',
    ])
    expect(record.started).toBe(left.note.started)
    expect(record.artifacts).toEqual([{ path: 'out.txt', bytes: 5 }])
    const [steps] = events.filter((event) => event.type === 'phase-ended' && event.phase === 'steps')
    expect(steps).toBeDefined()
    const all = [...left.events, ...events]
    for (const phase of ['boot', 'setup', 'upload', 'steps', 'collect', 'reported'])
      for (const type of ['phase-started', 'phase-ended'])
        expect(
          all.filter((event) => event.type === type && 'phase' in event && event.phase === phase),
        ).toHaveLength(1)
    expect(all.filter(({ type }) => type === 'verdict')).toHaveLength(1)
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted((a, b) => a - b))
  })

  it('asks the machine for what it has not heard, and for no step that had passed', async () => {
    const output = { ...whole, second: 'line\n'.repeat(1000) }
    const left = await killed({ output, came: { step: 'second', bytes: 3000 }, pause: 700 })
    const { machine, log } = await resume(left, { output })
    expect(machine.ran.map(({ name }) => name)).toEqual(['second', 'third'])
    expect(machine.ran[0]?.heard).toBeGreaterThan(0)
    expect(machine.calls).not.toContain('upload')
    expect(log.split('line\n')).toHaveLength(1001)
  })

  it('keeps lines of visitors in the middle of a step apart from its output', async () => {
    const output = { ...whole, second: 'half a line, and the rest\n' }
    const left = await killed({ output, came: { step: 'second', bytes: 11 }, remark: 'alice came in' })
    const { log } = await resume(left, { output })
    expect(log).toContain('half a line\n[mayfly] alice came in\n, and the rest\n')
  })

  it('judges a step that had failed as its machine says that it ended', async () => {
    const left = await killed({ output: whole, came: { step: 'second', bytes: 27, ended: 3 } })
    const { record, log } = await resume(left, { output: whole, exits: 3 })
    expect(record).toMatchObject({ verdict: 'failed', reason: 'step "second" ended with exit code 3' })
    expect(record.steps.map(({ status }) => status)).toEqual(['passed', 'passed', 'failed', 'skipped'])
    expect(log.split('step 3: second')).toHaveLength(2)
  })

  it('is errored as the host was lost where its machine cannot be taken up', async () => {
    const left = await killed({ output: whole, came: { step: 'second', bytes: 5 } })
    const { record } = await resume(left, { output: whole, fault: new InfraError('host-lost', 'it is gone') })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'host-lost', reason: 'it is gone' })
    expect(record.steps.map(({ status }) => status)).toEqual(['passed', 'passed', 'errored', 'skipped'])
  })

  it('does not have the time again that it had used up', async () => {
    const timed = `timeout: 1h\n${pipeline}`
    const left = await killed({ output: whole, came: { step: 'second', bytes: 5 }, pipeline: timed })
    const note = { ...left.note, clockBegan: left.note.clockBegan - 3_600_000 }
    const { record } = await resume({ ...left, note }, { output: whole, pipeline: timed, hangs: true })
    expect(record).toMatchObject({ verdict: 'timed-out' })
    expect(record.reason).toContain('the job did not end within its 1 h')
  })

  it('has the verdict that was written down, and its machine is destroyed', async () => {
    const left = await killed({ output: whole, came: { step: 'third', bytes: 0 }, reports: true })
    const { record, machine, events } = await resume(left, { output: whole })
    expect(record).toMatchObject({ verdict: 'passed' })
    expect(machine.ran).toEqual([])
    expect(machine.destroyed).toEqual(['now'])
    expect(events.some(({ type }) => type === 'verdict')).toBe(false)
  })

  it('begins with an empty log where it is begun anew', async () => {
    const left = await killed({ output: whole, came: { step: 'second', bytes: 5 } })
    const again = await liveJob({
      pipeline,
      files,
      secrets: { TOKEN: secret },
      root: left.root,
      steps: stepsOf(whole),
    })
    expect(await readFile(join(again.folder, 'log'), 'utf8')).toBe((await run({ output: whole })).log)
  })
})

function stepsOf(output: Output): Record<string, FakeStep> {
  return Object.fromEntries(Object.entries(output).map(([name, text]) => [name, { prints: [text] }]))
}

/** The same job without an end in between. */
async function run({ output }: { output: Output }) {
  const lived = await liveJob({ pipeline, files, secrets: { TOKEN: secret }, steps: stepsOf(output) })
  return { log: await readFile(join(lived.folder, 'log'), 'utf8') }
}

type Killed = {
  output: Output
  came: Came
  /** Bytes of each chunk that the step prints. */
  chunk?: number
  /** Milliseconds between its two halves. */
  pause?: number
  remark?: string
  /** Whether it is killed while it reports its verdict. */
  reports?: boolean
  pipeline?: string
}

type Left = { root: string; folder: string; note: JobNote; events: JobEvent[] }

const marker = 'it has come so far'

/** What lies on disk when the process of a job is killed at that moment. */
async function killed(setting: Killed): Promise<Left> {
  const { output, came, chunk = 1000, pause, remark, reports = false } = setting
  const steps = ({ name }: StepCommand): FakeStep => {
    const text = output[name] ?? ''
    if (reports || name !== came.step) return { prints: [text] }
    if (came.ended !== undefined) return { prints: [text], exits: came.ended }
    const heard = chunksOf(text.slice(0, came.bytes), chunk)
    const half = Math.ceil(heard.length / 2)
    const prints = pause === undefined ? heard : [...heard.slice(0, half), pause, ...heard.slice(half)]
    return { prints, console: marker, instead: 'hang' }
  }
  const hangs = { list: 'hang', stat: 'hang', realpath: 'hang', read: 'hang' } as const
  const start = createFakeStart({
    ...{ files, steps, mayOutlive: true },
    ...(came.ended === undefined ? {} : { faults: hangs }),
  })
  const events: JobEvent[] = []
  let write: (text: string) => void = () => undefined
  const root = await temporaryRoot()
  const life = liveJob({
    ...{ root, secrets: { TOKEN: secret }, startMachine: start },
    pipeline: setting.pipeline ?? pipeline,
    outlive: { note: {}, graceMs: 1000 },
    onEvent: (event) => void events.push(event),
    admit: (running) => {
      write = running.remark
      return async () => undefined
    },
    report: () => (reports ? new Promise(() => undefined) : Promise.resolve()),
  })
  life.catch(() => undefined)
  await until('the moment of the kill', () =>
    events.some((event) => {
      if (reports) return event.type === 'phase-started' && event.phase === 'reported'
      if (came.ended !== undefined) return event.type === 'phase-started' && event.phase === 'collect'
      return event.type === 'console' && event.data.includes(marker)
    }),
  )
  if (remark !== undefined) write(remark)
  // What was written is on its way to the disk.
  await sleep(50)
  const copy = await temporaryRoot()
  await cp(join(root, 'jobs'), join(copy, 'jobs'), { recursive: true })
  const kept = start.machines[0]?.outliving[0]?.note as { life: JobNote } | undefined
  if (kept === undefined) throw new Error('expected a machine that may outlive its process')
  const note = kept.life
  return { root: copy, folder: join(copy, 'jobs', 'b1-main'), note, events: [...events] }
}

type Resume = { output: Output; exits?: number; fault?: Error; hangs?: boolean; pipeline?: string }

/** Goes on with it in a machine that has gone on alone. */
async function resume(left: Pick<Left, 'root' | 'note'>, setting: Resume) {
  const { output, exits = 0, fault, hangs = false } = setting
  const machine: FakeMachine = createFakeMachine({
    files,
    steps: ({ name, heard = 0 }) => ({
      prints: [(output[name] ?? '').slice(heard)],
      exits: name === 'second' ? exits : 0,
      ...(hangs ? { instead: 'hang' } : {}),
    }),
  })
  const lived = await liveJob({
    ...{ root: left.root, secrets: { TOKEN: secret } },
    pipeline: setting.pipeline ?? pipeline,
    startMachine: () => Promise.reject(new Error('expected the machine that there is')),
    resumed: {
      note: left.note,
      adopt: async () => {
        if (fault !== undefined) throw fault
        return machine
      },
    },
  })
  return { ...lived, machine, log: await readFile(join(lived.folder, 'log'), 'utf8') }
}

function chunksOf(text: string, size: number): string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  )
}

/** Where the log stood when a step began. */
function placeOf(events: readonly JobEvent[], name: string): number {
  const began = events.find((event) => event.type === 'step-started' && event.name === name)
  return began?.type === 'step-started' ? began.offset : 0
}
