import { describe, expect, it } from 'vitest'
import { createBench, expectNothingLeft } from '../mayfly.ts'
import { expectErrored } from './expect-end.ts'

describe('a step that kills the SSH server', () => {
  it('goes on when the server comes back, and no byte of its output is lost or repeated', async () => {
    const bench = await createBench()
    const run = await bench.run(`
resources: { cpus: 2, memory: 512MiB }
network: web
steps:
  - name: kill
    run: |
      number=0
      while [ $number -lt 300 ]; do
        number=$((number + 1))
        echo "line $number"
        if [ $number = 100 ] || [ $number = 200 ]; then
          sudo pkill -9 sshd
          sleep 1
          until pgrep -f 'sshd: ci@' >/dev/null; do sleep 0.2; done
        fi
      done
  - name: after
    run: echo "$http_proxy" && echo after
`)
    expect(run.output.match(/reading on from byte \d+/g)?.length).toBeGreaterThanOrEqual(2)
    expect(run.record).toMatchObject({ verdict: 'passed' })
    expect(run.code).toBe(0)
    const [kill] = run.record?.steps ?? []
    const lines = Array.from({ length: 300 }, (_, index) => `line ${index + 1}\n`)
    expect(run.log.slice(kill?.start, kill?.end)).toBe(lines.join(''))
    expect(run.log).toMatch(/http:\/\/127\.0\.0\.1:\d+\nafter\n/)
    await expectNothingLeft(bench)
  })

  it('is errored as ssh-lost within a bound when the server stays away', async () => {
    const bench = await createBench()
    const run = await bench.run(`
resources: { cpus: 2, memory: 512MiB }
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
