import { describe, expect, it } from 'vitest'
import { expectNoStackTrace } from '../../expect-no-stack-trace.ts'
import { createSmallDisk } from '../../own-mounts.ts'
import { createBench, expectNothingLeft } from '../mayfly.ts'
import { expectErrored } from './expect-end.ts'

describe('a job that fills a disk', () => {
  it('fails with a hint to ask for more when it is the disk of its machine', async () => {
    const bench = await createBench()
    const run = await bench.run(`
resources: { cpus: 2, memory: 512MiB }
network: none
steps:
  - name: fill
    run: |
      echo before the end
      fallocate -l $(($(df --output=avail -k . | tail -1) - 100))K big
      head -c 10M /dev/zero >more
  - run: echo this must never run
`)
    expect(run.output).toContain('No space left on device')
    expect(run.output).toContain(
      "hint: the machine's disk is full: ask for more in `resources: { disk: 20GiB }`",
    )
    expect(run.record).toMatchObject({ verdict: 'failed' })
    expect(run.record?.steps.map(({ status }) => status)).toEqual(['failed', 'skipped'])
    expect(run.log.split('before the end\n')).toHaveLength(2)
    expectNoStackTrace(run.output)
    expect(run.code).toBe(1)
    await expectNothingLeft(bench)
  })

  it('is errored as host-disk-full when it is the disk of the host, and gives the room back', async () => {
    const data = await createSmallDisk(400)
    const bench = await createBench({ data })
    const run = await bench.run(`
resources: { cpus: 2, memory: 512MiB }
network: none
steps:
  - name: fill
    run: |
      echo before the end
      yes | head -c 600M >big
      sync
      sleep 600
  - run: echo this must never run
`)
    expectErrored(run, {
      failure: 'host-disk-full',
      says: ['the disk of this host is full', 'step "fill"', 'mayfly images gc'],
    })
    expect(run.record?.steps.map(({ status }) => status)).toEqual(['errored', 'skipped'])
    expect(run.log.split('before the end\n')).toHaveLength(2)
    await expectNothingLeft(bench)
  })
})
