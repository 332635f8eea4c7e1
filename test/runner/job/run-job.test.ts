import { readdir } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { JobEvent } from '../../../runner/job/job-event.ts'
import { until } from '../../orchestrator/until.ts'
import { type JobSetting, liveJob, readKept } from './live-job.ts'

const whole = `
image: debian-12-local
setup: [ apt-get install -y build-essential ]
steps:
  - name: build
    run: make
  - name: test
    run: make check
artifacts: [ out/report.xml ]
`

const steps: JobSetting['steps'] = {
  setup: { prints: ['Setting up build-essential\n'] },
  build: { prints: ['cc main.c\n', 5, 'ld main\n'] },
  test: { prints: ['3 passed\n'] },
}

const files = { 'out/report.xml': '<ok/>' }

describe('a job that passes', () => {
  it('goes through every phase in order, each begun and ended once', async () => {
    const { record, events } = await liveJob({ pipeline: whole, steps, files })
    const phases = ['image', 'boot', 'setup', 'upload', 'steps', 'collect', 'reported', 'destroyed']
    const seen = events.flatMap((event) =>
      event.type === 'phase-started' || event.type === 'phase-ended' ? [`${event.type} ${event.phase}`] : [],
    )
    expect(seen).toEqual(phases.flatMap((phase) => [`phase-started ${phase}`, `phase-ended ${phase}`]))
    expect(record.phases.map(({ phase }) => phase)).toEqual(phases)
    expect(record).toMatchObject({ verdict: 'passed', failure: undefined, reason: undefined })
  })

  it('uses its machine in the order of its phases and destroys it once, after the report', async () => {
    const order: string[] = []
    const { machine } = await liveJob({
      pipeline: whole,
      steps,
      files,
      report: async (record) => void order.push(`reported ${record.verdict}`),
      onEvent: (event) => {
        if (event.type === 'phase-started' && event.phase === 'destroyed') order.push('destroyed')
      },
    })
    expect(order).toEqual(['reported passed', 'destroyed'])
    expect(machine?.calls.filter((call) => call !== 'stat' && call !== 'list')).toEqual([
      'prepare',
      'runStep',
      'prepare',
      'upload',
      'runStep',
      'runStep',
      'read',
      'destroy',
    ])
    expect(machine?.destroyed).toEqual(['now'])
  })

  it('has each line of its steps in the log exactly once (AC4)', async () => {
    const lived = await liveJob({ pipeline: whole, steps, files })
    const log = await readKept(lived, 'log')
    for (const line of ['Setting up build-essential', 'cc main.c', 'ld main', '3 passed']) {
      expect(log.split(`${line}\n`), line).toHaveLength(2)
    }
    const told = lived.events.flatMap((event) => (event.type === 'log' ? [event.data] : []))
    expect(Buffer.concat(told).toString()).toBe(log)
  })

  it('begins its log with image, resources, strategy, acceleration and the time of each gate', async () => {
    const lived = await liveJob({ pipeline: whole, steps, files })
    expect((await readKept(lived, 'log')).split('\n').slice(0, 4)).toEqual([
      '[mayfly] image debian-12-local sha256:abababababab, 2 cpus, 2 GiB memory, 10 GiB disk, network web',
      '[mayfly] fake start with tcg (a fake machine computes nothing) in 2.00 s: qmp 0.50 s, banner 0.50 s, auth 0.50 s, nonce 0.50 s',
      '[mayfly] job key SHA256:fake, custom user-data: no',
      '[mayfly] step 1: setup',
    ])
  })

  it('says of each step where its bytes are in the log', async () => {
    const lived = await liveJob({ pipeline: whole, steps, files })
    const log = Buffer.from(await readKept(lived, 'log'))
    const slices = lived.record.steps.map(({ name, start, end }) => [
      name,
      log.subarray(start, end).toString(),
    ])
    expect(slices).toEqual([
      ['setup', 'Setting up build-essential\n'],
      ['build', 'cc main.c\nld main\n'],
      ['test', '3 passed\n'],
    ])
  })

  it('keeps its record, with steps, artifacts, machine and traffic', async () => {
    const visit = { host: 'packages.example.org', port: 80, requests: 2, bytesSent: 0, bytesReceived: 9 }
    const traffic = [{ ...visit, refused: undefined, outsideAllowList: false }]
    const lived = await liveJob({ pipeline: whole, steps, files, traffic })
    const kept = JSON.parse(await readKept(lived, 'record.json'))
    expect(kept).toEqual(JSON.parse(JSON.stringify(lived.record)))
    expect(kept).toMatchObject({
      id: 'b1-main',
      name: 'main',
      verdict: 'passed',
      machine: { image: 'debian-12-local', strategy: 'fake' },
      steps: [
        { index: 0, name: 'setup', status: 'passed', exitCode: 0 },
        { index: 1, name: 'build', status: 'passed', exitCode: 0 },
        { index: 2, name: 'test', status: 'passed', exitCode: 0 },
      ],
      artifacts: [{ path: 'out/report.xml', bytes: 5 }],
      egress: [visit],
    })
    expect(Date.parse(kept.ended)).toBeGreaterThanOrEqual(Date.parse(kept.started))
    expect(await readKept(lived, 'artifacts/out/report.xml')).toBe('<ok/>')
  })

  it('keeps on its timeline what was told, but for the bytes of log and console', async () => {
    const lived = await liveJob({ pipeline: whole, steps, files, boot: { console: 'Linux version 6.1\n' } })
    const kept = (await readKept(lived, 'timeline.jsonl')).trimEnd().split('\n')
    const told = lived.events.filter(({ type }) => type !== 'log' && type !== 'console')
    expect(kept.map((line) => JSON.parse(line))).toEqual(JSON.parse(JSON.stringify(told)))
    expect(await readKept(lived, 'console')).toBe('Linux version 6.1\n')
    const times = lived.events.map(({ at }) => at)
    expect(times).toEqual([...times].sort((a, b) => a - b))
  })
})

describe('what a host refuses', () => {
  const wild = 'network: internet\nsteps: [ curl example.org ]'

  it('is `network: internet`, before anything is fetched or started', async () => {
    const { record, start, events } = await liveJob({
      pipeline: wild,
      host: { network: { internet: 'refuse' } },
    })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'config' })
    expect(record.reason).toContain('network: internet')
    expect(record.hint).toContain('network: web')
    expect(start.orders).toEqual([])
    expect(events.some((event) => event.type === 'phase-started' && event.phase === 'image')).toBe(false)
  })

  it('is `network: internet` where no machine can have a network of its own', async () => {
    const { PATH } = process.env
    onTestFinished(() => {
      process.env.PATH = PATH
    })
    process.env.PATH = '/nonexistent'
    const { record, start } = await liveJob({ pipeline: wild })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'config' })
    expect(record.reason).toContain('slirp4netns is not installed')
    expect(record.hint).toContain('apt-get install slirp4netns')
    expect(start.orders).toEqual([])
  })

  it('is given to those who accept the risk in the host file', async () => {
    const { record, start } = await liveJob({
      pipeline: wild,
      host: { network: { internet: 'accept-risk' } },
    })
    expect(record.verdict).toBe('passed')
    expect(start.orders[0]?.network).toBe('internet')
  })

  it('is more steps than its limit', async () => {
    const { record, start } = await liveJob({
      pipeline: 'setup: [ a, b ]\nsteps: [ c, d ]',
      host: { limits: { steps: 3 } },
    })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'config' })
    expect(record.reason).toBe('expected at most 3 steps on this host, found 4')
    expect(start.orders).toEqual([])
  })
})

describe('the report', () => {
  it('is given a record that says how the job ended, while the machine still stands', async () => {
    let seen: unknown
    await liveJob({
      pipeline: whole,
      steps: { test: { exits: 2 } },
      report: async ({ verdict, reason, steps: done }) => {
        seen = { verdict, reason, last: done.at(-1)?.exitCode }
      },
    })
    expect(seen).toEqual({ verdict: 'failed', reason: 'step "test" ended with exit code 2', last: 2 })
  })

  it('that fails still has the machine destroyed and the record kept', async () => {
    const events: JobEvent[] = []
    const lost = liveJob({
      pipeline: whole,
      report: () => Promise.reject(new Error('the forge is away')),
      onEvent: (event) => events.push(event),
    })
    await expect(lost).rejects.toThrow('the forge is away')
    expect(events.at(-1)).toMatchObject({ type: 'phase-ended', phase: 'destroyed' })
  })
})

it('leaves nothing in the job’s folder but what is named there', async () => {
  const { folder } = await liveJob({ pipeline: whole, steps, files })
  expect((await readdir(folder)).sort()).toEqual([
    'artifacts',
    'console',
    'console.lines',
    'console.times',
    'log',
    'log.lines',
    'log.times',
    'record.json',
    'timeline.jsonl',
  ])
})

describe('a machine that somebody takes over', () => {
  const fails = { test: { exits: 2 } }

  it('is not destroyed, and is offered after the report with the verdict', async () => {
    const order: unknown[] = []
    const lived = await liveJob({
      ...{ pipeline: whole, steps: fails },
      report: async () => void order.push('reported'),
      keepMachine: ({ verdict }, machine) => {
        order.push([verdict, machine.id])
        return true
      },
    })
    expect(order).toEqual(['reported', ['failed', 'b1-main']])
    expect(lived.machine?.destroyed).toEqual([])
    expect(lived.record.phases.map(({ phase }) => phase)).not.toContain('destroyed')
    expect(JSON.parse(await readKept(lived, 'record.json'))).toMatchObject({ verdict: 'failed' })
  })

  it('is destroyed where nobody wants it', async () => {
    const { machine } = await liveJob({ pipeline: whole, steps: fails, keepMachine: () => false })
    expect(machine?.destroyed).toEqual(['now'])
  })

  it('is not offered when it is no more', async () => {
    let offered = 0
    const keepMachine = () => {
      offered++
      return true
    }
    const died = await liveJob({
      ...{
        pipeline: whole,
        steps: { test: { instead: { kind: 'guest-panic', message: 'Oops' } } },
        keepMachine,
      },
    })
    expect(died.record).toMatchObject({ verdict: 'errored' })
    await liveJob({ pipeline: whole, boot: { instead: new Error('no boot') }, keepMachine })
    expect(offered).toBe(0)
    expect(died.machine?.destroyed).toEqual(['now'])
  })

  it('is still heard on its console until it ends, and of nothing else', async () => {
    const lived = await liveJob({
      ...{ pipeline: whole, steps: fails, keepMachine: () => true },
      boot: { console: 'Linux version 6.1\n' },
    })
    const told = lived.events.length
    lived.machine?.console.say('a maintainer was here\n')
    await until('it is on the disk', async () => (await readKept(lived, 'console')).endsWith('here\n'))
    expect(lived.events.slice(told).map(({ type }) => type)).toEqual(['console'])
    expect(await readKept(lived, 'console')).toBe('Linux version 6.1\na maintainer was here\n')

    const record = await readKept(lived, 'record.json')
    await lived.machine?.destroy()
    await lived.machine?.ended
    await setImmediate()
    lived.machine?.console.say('too late\n')
    expect(await readKept(lived, 'console')).not.toContain('too late')
    expect(await readKept(lived, 'record.json')).toBe(record)
  })
})

describe('a job that lets others in beside its steps', () => {
  it.each([
    ['passes', steps],
    ['fails', { ...steps, build: { exits: 2 } }],
  ] as const)(
    'has them out again before anything else happens to its machine, where it %s',
    async (_how, does) => {
      const order: string[] = []
      const { machine } = await liveJob({
        ...{ pipeline: whole, files, steps: does },
        admit: ({ machine: entered, remark }) => {
          remark('somebody came in')
          order.push(`in after ${(entered as typeof machine)?.calls.filter((call) => call === 'upload')}`)
          return async () => {
            await setImmediate()
            order.push('out')
          }
        },
        onEvent: (event) => {
          if (event.type === 'step-started' || event.type === 'verdict') order.push(event.type)
          if (event.type === 'phase-started' && event.phase === 'collect') order.push('collect')
        },
      })
      const begun = order.filter((what) => what === 'step-started').length
      const ran = Array.from({ length: begun - 1 }, () => 'step-started')
      // The setup, which sees neither files nor secrets, comes before.
      expect(order).toEqual(['step-started', 'in after upload', ...ran, 'out', 'collect', 'verdict'])
      expect(machine?.destroyed).toEqual(['now'])
    },
  )
})
