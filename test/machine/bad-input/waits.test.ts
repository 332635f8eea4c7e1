import { describe, expect, it } from 'vitest'
import { createBench, expectNothingLeft } from '../mayfly.ts'
import { artifactText, expectErrored, expectTimedOut } from './expect-end.ts'

// At the same time, for these machines do nothing but wait.
describe.concurrent('a job that waits in vain', () => {
  it('is timed-out as a whole, and keeps the artifacts that are always wanted', async ({
    onTestFinished,
  }) => {
    const bench = await createBench({ onTestFinished })
    const run = await bench.run(`
timeout: 90s
resources: { cpus: 1, memory: 512MiB }
network: none
steps:
  - run: echo kept >kept; echo dropped >dropped
  - run: sleep 600
artifacts:
  - { path: kept, when: always }
  - { path: dropped, when: success }
`)
    expectTimedOut(run, 'the job did not end within its 1 m 30 s')
    expect(run.record?.steps.map(({ status }) => status)).toEqual(['passed', 'timed-out'])
    expect(await artifactText(run, 'kept')).toBe('kept\n')
    expect(await artifactText(run, 'dropped')).toBe(undefined)
    await expectNothingLeft(bench)
  })

  it('is errored as ssh-lost within a bound when the server stays away', async ({ onTestFinished }) => {
    const bench = await createBench({ onTestFinished })
    const run = await bench.run(`
resources: { cpus: 1, memory: 512MiB }
network: none
steps:
  - name: remove
    run: |
      echo before the end
      sudo mv /usr/sbin/sshd /usr/sbin/sshd.gone
      sudo pkill -9 sshd
      sleep 600
  - run: echo this must never run
artifacts: [ { path: "*", when: always } ]
`)
    expectErrored(run, {
      failure: 'ssh-lost',
      says: ['the machine let nobody in again within', 'step "remove"', 'a step may have stopped sshd'],
    })
    expect(run.output).toContain('artifacts were not collected')
    expect(run.record?.steps.map(({ status }) => status)).toEqual(['errored', 'skipped'])
    expect(run.log.split('before the end\n')).toHaveLength(2)
    await expectNothingLeft(bench)
  })
})
