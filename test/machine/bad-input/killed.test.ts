import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBench, expectNothingLeft, qemuProcesses } from '../mayfly.ts'
import { watchRun } from '../watched-run.ts'

describe('mayfly run that is killed with SIGKILL', () => {
  it('leaves no QEMU, and the next run clears its files and sockets away', async () => {
    const bench = await createBench()
    const watched = await watchRun(bench, {
      pipeline: `
resources: { cpus: 2, memory: 512MiB }
network: none
steps: [ { run: "echo before the end; sleep 600" } ]
`,
    })
    await watched.untilPrinted('before the end')
    expect(await qemuProcesses(bench.data)).toHaveLength(1)
    watched.mayfly.kill('SIGKILL')
    await watched.mayfly
    await expect.poll(() => qemuProcesses(bench.data), { timeout: 30_000 }).toEqual([])
    expect(await readdir(join(bench.data, 'machines'))).toHaveLength(1)

    // A job that no host has the memory for: the sweep comes before it, and no machine after it.
    const next = await bench.run('resources: { memory: 15TiB }\nsteps: [ { run: make } ]\n')
    expect(next.record).toMatchObject({ verdict: 'errored', failure: 'config' })
    expect(next.code).toBe(2)
    await expectNothingLeft(bench)
  })
})
