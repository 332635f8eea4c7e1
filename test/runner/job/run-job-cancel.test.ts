import { describe, expect, it } from 'vitest'
import type { Phase } from '../../../runner/job/verdict.ts'
import type { FakeFault } from '../../fake-machine.ts'
import { shelfImage } from '../../shelf-image.ts'
import { type JobSetting, liveJob, readKept } from './live-job.ts'

const whole = `
setup: [ apt-get install -y build-essential ]
steps:
  - name: build
    run: make
  - name: test
    run: make check
artifacts: [ out/report.xml ]
`

const files = { 'out/report.xml': '<ok/>' }

describe('a job that is cancelled', () => {
  const hanging = (fault: FakeFault) => ({ instead: fault })
  const image = (_name: string, { signal }: { signal: AbortSignal }) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

  it.each<[Phase, Partial<JobSetting>]>([
    ['image', { ensureImage: image }],
    ['boot', { boot: { instead: 'hang' } }],
    ['boot', { faults: { prepare: 'hang' } }],
    ['setup', { steps: { setup: hanging('hang') } }],
    ['upload', { faults: { upload: 'hang' } }],
    ['steps', { steps: { build: { prints: ['half a li'], instead: 'hang' } } }],
    ['collect', { files, faults: { read: 'hang' } }],
  ])('in its phase %s ends at once as cancelled, and its machine with it', async (phase, setting) => {
    const { record, start, events } = await liveJob({
      pipeline: whole,
      ...setting,
      cancelAt: (event) => event.type === 'phase-started' && event.phase === phase,
    })
    expect(record).toMatchObject({
      verdict: 'cancelled',
      failure: undefined,
      reason: 'the user pressed Ctrl-C',
    })
    expect(record.phases.map((ended) => ended.phase)).toContain(phase)
    expect(record.phases.at(-1)?.phase).toBe('destroyed')
    for (const machine of start.machines) expect(machine.destroyed).toEqual(['now'])
    expect(events.filter(({ type }) => type === 'verdict')).toHaveLength(1)
  })

  it('marks the step that was under way as cancelled and keeps what it had printed', async () => {
    const lived = await liveJob({
      pipeline: whole,
      steps: { build: { prints: ['half a li'], instead: 'hang' } },
      cancelAt: (event) => event.type === 'log' && event.data.includes('half a li'),
    })
    expect(lived.record.steps.map(({ name, status }) => [name, status])).toEqual([
      ['setup', 'passed'],
      ['build', 'cancelled'],
      ['test', 'skipped'],
    ])
    expect(await readKept(lived, 'log')).toContain('half a li')
    expect(lived.machine?.calls).not.toContain('read')
  })

  it('is cancelled whatever reason the abort brings', async () => {
    const { record } = await liveJob({
      pipeline: whole,
      steps: { build: { instead: 'hang' } },
      cancelAt: (event) => event.type === 'step-started' && event.name === 'build',
      cancelReason: new Error('SIGTERM'),
    })
    expect(record).toMatchObject({ verdict: 'cancelled', reason: 'the job was cancelled' })
    expect(record.steps.map(({ status }) => status)).toEqual(['passed', 'cancelled', 'skipped'])
  })

  it('keeps the verdict it had when the cancelling comes after it', async () => {
    const { record } = await liveJob({
      pipeline: whole,
      files,
      cancelAt: (event) => event.type === 'verdict',
      report: () => new Promise((resolve) => setTimeout(resolve, 50)),
    })
    expect(record.verdict).toBe('passed')
  })
})

describe('a job that runs into its time limit', () => {
  const limited = `timeout: 300ms\n${whole}`

  it.each<[string, Partial<JobSetting>]>([
    ['phase boot', { boot: { instead: 'hang' } }],
    ['phase upload', { faults: { upload: 'hang' } }],
    ['step "build"', { steps: { build: { instead: 'hang' } } }],
  ])('in its %s is timed out, which is no failure of the machine', async (place, setting) => {
    const { record, start } = await liveJob({ pipeline: limited, ...setting })
    expect(record).toMatchObject({ verdict: 'timed-out', failure: undefined })
    expect(record.reason).toBe(`the job did not end within its 0.30 s, in ${place}`)
    for (const machine of start.machines) expect(machine.destroyed).toEqual(['now'])
  })

  it('has the step timed out, the later ones skipped, and the artifacts of a failure fetched', async () => {
    const { record } = await liveJob({
      pipeline: `
timeout: 1s
steps: [ { name: slow, run: sleep 9 }, { name: later, run: 'true' } ]
artifacts: [ { path: core, when: failure } ]
`,
      steps: { slow: { instead: 'hang' } },
      files: { core: 'dumped' },
    })
    expect(record.steps.map(({ name, status }) => [name, status])).toEqual([
      ['slow', 'timed-out'],
      ['later', 'skipped'],
    ])
    expect(record.artifacts).toEqual([{ path: 'core', bytes: 6 }])
  })

  it('does not count the time its image takes', async () => {
    const { record } = await liveJob({
      pipeline: `timeout: 1s\nsteps: [ make ]`,
      ensureImage: async (name) => {
        await new Promise((resolve) => setTimeout(resolve, 1200))
        return shelfImage(name)
      },
    })
    expect(record.verdict).toBe('passed')
  })
})
