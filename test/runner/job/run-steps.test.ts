import { describe, expect, it } from 'vitest'
import type { MachineEnd } from '../../../runner/machine/machine.ts'
import { liveJob, readKept } from './live-job.ts'

const three = `
steps:
  - name: build
    run: make
  - name: test
    run: make check
  - name: pack
    run: make dist
`

describe('a step whose last line has no end', () => {
  it('keeps its bytes as they are, and the next step begins on a line of its own', async () => {
    const lived = await liveJob({ pipeline: three, steps: { build: { prints: ['no end'] } } })
    const log = await readKept(lived, 'log')
    expect(log).toContain('no end\n[mayfly] step 2: test\n')
    const [build] = lived.record.steps
    expect(log.slice(build?.start, build?.end)).toBe('no end')
  })
})

describe('a step that says no', () => {
  it('makes the job failed, and the steps after it are skipped', async () => {
    const { record, machine } = await liveJob({ pipeline: three, steps: { test: { exits: 7 } } })
    expect(record).toMatchObject({
      verdict: 'failed',
      failure: undefined,
      reason: 'step "test" ended with exit code 7',
      hint: 'the last lines of its output say why',
    })
    expect(record.steps.map(({ name, status, exitCode }) => [name, status, exitCode])).toEqual([
      ['build', 'passed', 0],
      ['test', 'failed', 7],
      ['pack', 'skipped', undefined],
    ])
    expect(machine?.ran.map(({ name }) => name)).toEqual(['build', 'test'])
  })

  it('in `setup` makes it failed, too, with no upload after it', async () => {
    const { record, machine } = await liveJob({
      pipeline: 'setup: [ apt-get update, apt-get install gcc ]\nsteps: [ make ]',
      steps: { 'setup 1': { exits: 100 } },
    })
    expect(record).toMatchObject({ verdict: 'failed', reason: 'step "setup 1" ended with exit code 100' })
    expect(record.steps.map(({ name, status }) => [name, status])).toEqual([
      ['setup 1', 'failed'],
      ['setup 2', 'skipped'],
    ])
    expect(machine?.calls).not.toContain('upload')
  })

  it('by the signal that ended it is said to have been ended by it', async () => {
    const { record } = await liveJob({ pipeline: 'steps: [ ./crash ]', steps: { './crash': { exits: 139 } } })
    expect(record.reason).toBe('step "./crash" ended with exit code 139 (signal SEGV)')
  })

  it('on a full disk is told to ask for more', async () => {
    const { record } = await liveJob({
      pipeline: 'steps: [ make ]',
      steps: { make: { exits: 1, diskFull: true } },
    })
    expect(record).toMatchObject({ verdict: 'failed' })
    expect(record.hint).toContain('resources: { disk: 20GiB }')
  })
})

describe('a step that takes longer than its own timeout', () => {
  it('makes the job timed-out, long before the job’s', async () => {
    const { record } = await liveJob({
      pipeline: `
timeout: 10m
steps:
  - { name: slow, run: sleep 99, timeout: 200ms }
  - { name: later, run: 'true' }
`,
      steps: { slow: { prints: ['still here\n'], instead: 'hang' } },
    })
    expect(record).toMatchObject({
      verdict: 'timed-out',
      failure: undefined,
      reason: 'step "slow" did not end within its 0.20 s',
    })
    expect(record.steps.map(({ name, status, exitCode }) => [name, status, exitCode])).toEqual([
      ['slow', 'timed-out', undefined],
      ['later', 'skipped', undefined],
    ])
  })
})

describe('a machine that ends in the middle of a step', () => {
  const ends: [MachineEnd, string, string][] = [
    [{ kind: 'guest-panic', message: "the guest's kernel panicked" }, 'guest-panic', 'console'],
    [{ kind: 'guest-oom', message: 'the guest ran out of memory' }, 'guest-oom', 'memory: 4GiB'],
    [{ kind: 'powered-off', message: 'the guest powered itself off' }, 'machine-died', 'power'],
    [{ kind: 'host-disk-full', message: 'the disk of this host is full' }, 'host-disk-full', 'images gc'],
    [{ kind: 'killed', message: 'QEMU was killed by SIGKILL' }, 'machine-died', 'out-of-memory killer'],
  ]

  it.each(ends)('by $kind makes the job errored with its class and sentence', async (end, failure, hint) => {
    const lived = await liveJob({
      pipeline: three,
      steps: { test: { prints: ['last words\n'], instead: end } },
    })
    const { record, machine } = lived
    expect(record).toMatchObject({ verdict: 'errored', failure })
    expect(record.reason).toBe(`in step "test", ${'message' in end ? end.message : ''}`)
    expect(record.evidence).toEqual(['last words'])
    expect(record.hint).toContain(hint)
    expect(record.steps.map(({ status }) => status)).toEqual(['passed', 'errored', 'skipped'])
    expect(machine?.destroyed).toEqual(['now'])
    expect(await readKept(lived, 'log')).toContain('last words')
  })
})

describe('a step whose shell was killed', () => {
  it('makes the job errored: no status came, which is never a success', async () => {
    const { record } = await liveJob({ pipeline: three, steps: { build: { instead: 'killed' } } })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'machine-died' })
    expect(record.reason).toBe('the shell of step "build" was killed inside the machine')
    expect(record.steps[0]).toMatchObject({ status: 'errored', exitCode: undefined })
  })

  it('while the console spoke of memory is put down to that', async () => {
    const { record } = await liveJob({
      pipeline: three,
      steps: { build: { console: '[9.1] Out of memory: Killed process 312 (sh)\n', instead: 'killed' } },
    })
    expect(record).toMatchObject({ verdict: 'errored', failure: 'guest-oom' })
    expect(record.hint).toContain('memory: 4GiB')
  })
})

describe('a step that fails after the kernel killed a process for want of memory', () => {
  const oom = '[9.1] Out of memory: Killed process 812 (cc1plus) total-vm:900kB\n'

  it('is put down to that, which the console told, whatever it made of it itself', async () => {
    const { record } = await liveJob({
      pipeline: three,
      steps: { test: { prints: ['make: *** Error 1\n'], console: `[9.0] Mem-Info:\n${oom}`, exits: 2 } },
    })
    expect(record).toMatchObject({
      verdict: 'errored',
      failure: 'guest-oom',
      reason:
        'in step "test", the guest ran out of memory and killed process 812 (cc1plus); the step ended with exit code 2',
      hint: 'give the job more memory: resources: { memory: 4GiB }',
      evidence: ['[9.0] Mem-Info:', oom.trim()],
    })
    expect(record.steps.map(({ status }) => status)).toEqual(['passed', 'failed', 'skipped'])
  })

  it('in a step before it, is not', async () => {
    const { record, events } = await liveJob({
      pipeline: three,
      steps: { build: { console: oom }, test: { prints: ['assertion failed\n'], exits: 1 } },
    })
    expect(record).toMatchObject({
      verdict: 'failed',
      reason: 'step "test" ended with exit code 1',
      evidence: ['assertion failed'],
    })
    expect(events.filter(({ type }) => type === 'finding')).toMatchObject([
      { kind: 'guest-oom', sentence: 'the guest ran out of memory', line: oom.trim() },
    ])
  })

  it('only for a limit of its own, is its own fault', async () => {
    const { record } = await liveJob({
      pipeline: three,
      steps: { test: { console: 'Memory cgroup out of memory: Killed process 9 (x)\n', exits: 137 } },
    })
    expect(record).toMatchObject({ verdict: 'failed', failure: undefined })
  })
})

describe('the lines that show why a step failed', () => {
  it('are the last ones that it printed, without colours', async () => {
    const prints = ['1\n2\n3\n\u001b[31m4\u001b[0m\n\n', '5\n', '6 without an end']
    const { record, events } = await liveJob({
      pipeline: three,
      steps: { build: { prints: ['of another step\n'] }, test: { prints, exits: 1 } },
    })
    expect(record.evidence).toEqual(['2', '3', '4', '5', '6 without an end'])
    expect(events.find(({ type }) => type === 'verdict')).toMatchObject({ evidence: record.evidence })
  })

  it('are none where it printed nothing', async () => {
    const { record } = await liveJob({ pipeline: three, steps: { test: { exits: 1 } } })
    expect(record.evidence).toEqual([])
  })

  it('are of one that hung also what its machine did, and what the console said', async () => {
    let cpuMs = 0
    const { record } = await liveJob({
      pipeline: 'steps: [ { name: slow, run: wait, timeout: 1500ms } ]',
      use: () => {
        cpuMs += 1
        return {
          ...{ cpuMs, memory: 1, memoryPeak: 1, diskRead: 0, diskWritten: 0 },
          ...{ netSent: undefined, netReceived: undefined },
        }
      },
      steps: {
        slow: {
          prints: ['still here\n'],
          console: 'INFO: task dd:7 blocked for more than 120 seconds.\n',
          instead: 'hang',
        },
      },
    })
    expect(record.reason).toBe(
      'step "slow" did not end within its 1.50 s: the machine sat idle (0.00 of 2 cpus)',
    )
    expect(record.evidence).toEqual(['INFO: task dd:7 blocked for more than 120 seconds.'])
    expect(record.steps[0]?.use?.cpuMs).toBeGreaterThan(0)
  })
})

describe('what a step is given', () => {
  it('is its script, shell, environment and timeout as the file has them', async () => {
    const { machine } = await liveJob({
      pipeline: `
shell: bash -e
env: { A: '1' }
setup: [ echo first ]
steps:
  - { name: py, run: print(1), shell: python3, env: { B: two }, timeout: 2m }
  - make
`,
    })
    expect(machine?.ran.map(({ onOutput: _, egress: __, ...step }) => step)).toEqual([
      { index: 0, name: 'setup', script: 'echo first', shell: 'bash -e', env: {}, timeout: undefined },
      { index: 1, name: 'py', script: 'print(1)', shell: 'python3', env: { B: 'two' }, timeout: 120_000 },
      { index: 2, name: 'make', script: 'make', shell: 'bash -e', env: {}, timeout: undefined },
    ])
    expect(machine?.preparation).toMatchObject({ workdir: '/home/ci/work', env: { A: '1', CI: 'true' } })
  })

  it('has no secret and no file but its `setup_files` in `setup`, so that its result is good for all', async () => {
    const { machine } = await liveJob({
      pipeline: `
setup: [ npm ci ]
setup_files: [ package.json, 'locks/*.lock' ]
secrets: [ TOKEN ]
steps: [ npm test ]
`,
      repository: { 'package.json': '{}', 'locks/a.lock': 'a', 'src/main.ts': 'main' },
      secrets: { TOKEN: 'hunter22' },
    })
    const [forSetup, whole] = machine?.uploads ?? []
    const files = (entries: typeof forSetup) =>
      entries?.filter(({ type }) => type === 'file').map(({ name }) => name)
    expect(files(forSetup)).toEqual(['locks/a.lock', 'package.json'])
    expect(files(whole)?.sort()).toEqual(['locks/a.lock', 'package.json', 'src/main.ts'])
    expect(machine?.calls.filter((call) => call !== 'destroy')).toEqual([
      'prepare',
      'upload',
      'runStep',
      'prepare',
      'upload',
      'addSecrets',
      'runStep',
    ])
    expect(machine?.secrets).toEqual({ TOKEN: 'hunter22' })
    expect(machine?.preparation?.env).not.toHaveProperty('TOKEN')
  })

  it('is whether it has a way out, and what its repository lets it reach', async () => {
    const policy = { allow: ['a.test'], deny: [], audit: false }
    const { machine } = await liveJob({
      pipeline: 'network: { setup: web, steps: none }\nsetup: [ a ]\nsteps: [ b, { run: c, network: web } ]',
      egress: policy,
    })
    expect(machine?.facts.network).toBe('web')
    expect(machine?.ran.map(({ egress }) => egress)).toEqual([
      { isOffline: false, policy },
      { isOffline: true, policy },
      { isOffline: false, policy },
    ])
  })

  it('leaves what it reached on the record, masked, with the allow-list for it where that is learned', async () => {
    const traffic = [
      { host: 'deb.test', port: 443, requests: 2, bytesSent: 1, bytesReceived: 5, refused: undefined },
      { host: 'hunter2.test', port: 80, requests: 1, bytesSent: 0, bytesReceived: 0, refused: 'no hunter2' },
    ].map((record) => ({ ...record, outsideAllowList: false }))
    const pipeline = 'steps: [ a ]\nsecrets: [ S ]'
    const secrets = { S: 'hunter2' }
    const learning = { allow: [], deny: [], audit: true }
    const audited = await liveJob({ pipeline, secrets, traffic, egress: learning })
    expect(audited.record.egress).toMatchObject([
      { host: 'deb.test' },
      { host: '***.test', refused: 'no ***' },
    ])
    expect(audited.record.learned).toEqual(['deb.test'])
    expect((await liveJob({ pipeline, secrets, traffic })).record.learned).toBeUndefined()
  })
})
