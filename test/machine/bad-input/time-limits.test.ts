import { describe, expect, it } from 'vitest'
import { createBench, expectNothingLeft } from '../mayfly.ts'
import { artifactText, expectTimedOut } from './expect-end.ts'

describe('a job that does not end', () => {
  it('is timed-out by its step, which is told to end, and keeps the artifacts that are always wanted', async () => {
    const bench = await createBench()
    const run = await bench.run(`
resources: { cpus: 1, memory: 512MiB }
network: none
steps:
  - name: slow
    timeout: 3s
    run: |
      mkdir out
      ln -s /etc/passwd out/escape
      ln -s ../.. out/up
      ln -s /nowhere out/dangling
      trap 'echo told to end | tee out/report; exit 7' TERM
      sleep 600 &
      wait
  - run: echo this must never run
artifacts:
  - { path: "out/**", when: always }
  - { path: "out/report", when: success }
`)
    expectTimedOut(run, 'step "slow" did not end within its 3.00 s')
    expect(run.record?.steps.map(({ status }) => status)).toEqual(['timed-out', 'skipped'])
    expect(await artifactText(run, 'out/report')).toBe('told to end\n')
    expect(run.record?.artifacts).toEqual([{ path: 'out/report', bytes: 12 }])
    expect(run.output).toContain('artifact "out/escape": a link that leaves /home/ci/work')
    expect(run.output).toContain('artifact "out/up": a link that leaves /home/ci/work')
    expect(run.output).toMatch(/artifact "out\/dangling": .*(nowhere|leaves|nothing)/)
    expect(await artifactText(run, 'out/escape')).toBe(undefined)
    await expectNothingLeft(bench)
  })

  it('is timed-out as a whole, and keeps the artifacts that are always wanted', async () => {
    const bench = await createBench()
    const run = await bench.run(`
timeout: 60s
resources: { cpus: 1, memory: 512MiB }
network: none
steps:
  - run: echo kept >kept; echo dropped >dropped
  - run: sleep 600
artifacts:
  - { path: kept, when: always }
  - { path: dropped, when: success }
`)
    expectTimedOut(run, 'the job did not end within its 1 m 00 s')
    expect(run.record?.steps.map(({ status }) => status)).toEqual(['passed', 'timed-out'])
    expect(await artifactText(run, 'kept')).toBe('kept\n')
    expect(await artifactText(run, 'dropped')).toBe(undefined)
    await expectNothingLeft(bench)
  })
})
