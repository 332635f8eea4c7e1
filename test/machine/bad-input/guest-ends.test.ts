import { describe, expect, it } from 'vitest'
import { createBench, expectNothingLeft, qemuProcesses, type Run } from '../mayfly.ts'
import { watchRun } from '../watched-run.ts'
import { expectErrored } from './expect-end.ts'

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
      says: ["the guest's kernel panicked", 'sysrq', 'step "end"'],
    })
    expect(run.console).toContain('Kernel panic')
    expectNothingAfter(run)
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
