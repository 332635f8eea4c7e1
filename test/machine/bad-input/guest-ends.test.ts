import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBench, expectNothingLeft, qemuProcesses, type Run } from '../mayfly.ts'
import { watchRun } from '../watched-run.ts'
import { expectErrored, expectEvidence } from './expect-end.ts'

const job = (script: string) => `
resources: { cpus: 2, memory: 512MiB }
network: none
steps:
  - name: end
    run: |
      echo before the end
      ${script}
      sleep 600
  - run: echo this must never run
`

function expectNothingAfter({ log, record }: Run): void {
  expect(log.split('before the end\n')).toHaveLength(2)
  expect(log).not.toContain('this must never run')
  expect(record?.steps.map(({ status }) => status)).toEqual(['errored', 'skipped'])
}

describe('a job whose machine ends under it', () => {
  it('is errored as guest-panic when the kernel panics, with the reason from the console', async () => {
    const bench = await createBench()
    const run = await bench.run(job(`sudo sh -c 'echo c >/proc/sysrq-trigger'`))
    expectErrored(run, {
      failure: 'guest-panic',
      says: [
        'in step "end", the guest\'s kernel panicked: Kernel panic - not syncing: sysrq triggered crash',
      ],
    })
    expectEvidence(run, /sysrq: Trigger a crash/)
    const timeline = await readFile(join(run.folder, 'timeline.jsonl'), 'utf8')
    expect(timeline).toMatch(/"type":"finding","kind":"guest-panic",.*sysrq triggered crash/)
    expect(run.console).toContain('Kernel panic')
    expectNothingAfter(run)
    await expectNothingLeft(bench)
  })

  it('is errored as guest-oom when the kernel kills what a step runs for want of memory', async () => {
    const bench = await createBench()
    const run = await bench.run(job('exec python3 -c "[bytearray(16 << 20) for _ in iter(int, 1)]"'))
    expectErrored(run, {
      failure: 'guest-oom',
      says: [
        'in step "end", the guest ran out of memory and killed process',
        '(python3); the step ended with exit code 137 (signal KILL)',
        'hint: give the job more memory',
      ],
    })
    expectEvidence(run, /Out of memory: Killed process \d+ \(python3\)/)
    expect(run.record?.steps.map(({ status }) => status)).toEqual(['failed', 'skipped'])
    // Of the host it took no more than its machine has, and what QEMU itself needs.
    expect(run.record?.steps[0]?.use?.memory).toBeGreaterThan(400 * 2 ** 20)
    await expectNothingLeft(bench)
  })

  it('is errored as machine-died when a step powers it off', async () => {
    const bench = await createBench()
    const run = await bench.run(job('sudo poweroff'))
    expectErrored(run, {
      failure: 'machine-died',
      says: ['the guest powered itself off', 'a step must not power its machine off'],
    })
    expectNothingAfter(run)
    await expectNothingLeft(bench)
  })

  it('is errored as machine-died when a step reboots it', async () => {
    const bench = await createBench()
    const run = await bench.run(job('sudo reboot'))
    expectErrored(run, { failure: 'machine-died', says: ['the guest rebooted itself'] })
    expectNothingAfter(run)
    await expectNothingLeft(bench)
  })

  it('is errored as machine-died when QEMU is killed on the host', async () => {
    const bench = await createBench()
    const watched = await watchRun(bench, { pipeline: job(':') })
    await watched.untilPrinted('before the end')
    const [qemu] = await qemuProcesses(bench.data)
    process.kill(qemu?.pid ?? 0, 'SIGKILL')
    const run = await watched.ended()
    expectErrored(run, {
      failure: 'machine-died',
      says: ['QEMU was killed by SIGKILL', 'out-of-memory killer'],
    })
    expectNothingAfter(run)
    await expectNothingLeft(bench)
  })
})
