import { describe, expect, it } from 'vitest'
import { expectNoStackTrace } from '../../expect-no-stack-trace.ts'
import { createBench, expectNothingLeft } from '../mayfly.ts'
import { expectEvidence, expectTimedOut } from './expect-end.ts'

/** Takes one of the two processors away, so that the other is the only one. */
const onOneProcessor = 'echo 0 | sudo tee /sys/devices/system/cpu/cpu1/online >/dev/null'

describe('a job whose guest is stuck', () => {
  it('is timed-out when nothing in it runs any more', async () => {
    const bench = await createBench()
    // A real-time process that never yields, on the only processor: nothing else in the guest runs any more.
    const run = await bench.run(`
resources: { cpus: 2, memory: 512MiB }
network: none
steps:
  - name: hang
    timeout: 5s
    run: |
      echo before the end
      ${onOneProcessor}
      sudo sh -c 'echo -1 >/proc/sys/kernel/sched_rt_runtime_us; exec chrt -f 99 sh -c "while :; do :; done"'
`)
    expectTimedOut(
      run,
      'step "hang" did not end within its 5.00 s, and the machine answers no more: it was computing',
    )
    expectEvidence(run, /before the end/)
    expect(run.log.split('before the end\n')).toHaveLength(2)
    await expectNothingLeft(bench)
  })

  it('ends within its limits when a step forks without end', async () => {
    const bench = await createBench()
    const run = await bench.run(`
timeout: 3m
resources: { cpus: 2, memory: 512MiB }
network: none
steps:
  - name: bomb
    timeout: 15s
    run: |
      echo before the end
      ${onOneProcessor}
      bomb() { bomb | bomb & }
      bomb
      sleep 600
`)
    // Which of them depends on what the guest runs out of first: time, processes or memory.
    expect(['timed-out', 'failed', 'errored']).toContain(run.record?.verdict)
    expect(run.output).toContain('step "bomb"')
    expect([1, 3]).toContain(run.code)
    expectNoStackTrace(run.output)
    await expectNothingLeft(bench)
  })
})
