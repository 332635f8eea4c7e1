import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectNoStackTrace } from '../../expect-no-stack-trace.ts'
import { type Bench, createBench, expectNothingLeft, qemuProcesses, type Run } from '../mayfly.ts'
import { begins, type WatchedRun, watchRun } from '../watched-run.ts'

const job = (steps: string) => ({
  pipeline: `
resources: { cpus: 2, memory: 512MiB }
network: none
steps: ${steps}
artifacts: [ { path: "big", when: always } ]
`,
})

const longStep = job('[ { name: long, run: "echo before the end; sleep 600" }, { run: "echo never" } ]')

/** Exit 130, the verdict on the record, nothing of the machine left. */
async function expectCancelled(bench: Bench, watched: WatchedRun, reason: string): Promise<Run> {
  const run = await watched.ended()
  expect(run.code).toBe(130)
  expect(run.record).toMatchObject({ verdict: 'cancelled', reason })
  expectNoStackTrace(run.output)
  await expectNothingLeft(bench)
  return run
}

/** A file whose upload, or fetching back, takes so long that it can be interrupted in the middle. */
async function addBigFile({ work }: Bench): Promise<void> {
  await writeFile(join(work, 'big'), '')
  await truncate(join(work, 'big'), 2 ** 31)
}

describe('mayfly run that is interrupted', () => {
  it('in the boot destroys the machine and exits 130', async () => {
    const bench = await createBench({ templates: 'none' })
    const watched = await watchRun(bench, longStep)
    await watched.until(({ type, name }) => type === 'gate' && name === 'qmp')
    expect(await qemuProcesses(bench.data)).toHaveLength(1)
    watched.mayfly.kill('SIGINT')
    const { record } = await expectCancelled(bench, watched, 'interrupted (Ctrl-C)')
    expect(record?.phases.map(({ phase }) => phase)).toEqual(['image', 'boot', 'reported', 'destroyed'])
  })

  it('in the upload destroys the machine and exits 130', async () => {
    const bench = await createBench()
    await addBigFile(bench)
    const watched = await watchRun(bench, longStep)
    await watched.until(begins('upload'))
    watched.mayfly.kill('SIGINT')
    const { record } = await expectCancelled(bench, watched, 'interrupted (Ctrl-C)')
    expect(record?.steps).toEqual([])
  })

  it('in a step destroys the machine and exits 130, with what was printed until then', async () => {
    const bench = await createBench()
    const watched = await watchRun(bench, longStep)
    await watched.untilPrinted('before the end')
    watched.mayfly.kill('SIGINT')
    const { log, record } = await expectCancelled(bench, watched, 'interrupted (Ctrl-C)')
    expect(log.split('before the end\n')).toHaveLength(2)
    expect(record?.steps.map(({ status }) => status)).toEqual(['cancelled', 'skipped'])
  })

  it('while artifacts are collected destroys the machine, exits 130 and keeps no half file', async () => {
    const bench = await createBench()
    const watched = await watchRun(bench, job('[ { run: "truncate -s 2G big" } ]'))
    await watched.until(begins('collect'))
    watched.mayfly.kill('SIGTERM')
    const { record } = await expectCancelled(bench, watched, 'ended by SIGTERM')
    expect(record?.artifacts).toEqual([])
  })

  it('twice at once in a step leaves at once, and leaves nothing', async () => {
    const bench = await createBench()
    const watched = await watchRun(bench, longStep)
    await watched.untilPrinted('before the end')
    watched.mayfly.kill('SIGINT')
    // Two that are sent at once can arrive as one.
    await watched.until(({ type }) => type === 'interrupted')
    watched.mayfly.kill('SIGINT')
    const { exitCode, all } = await watched.mayfly
    expect(exitCode).toBe(130)
    expectNoStackTrace(String(all))
    await expect.poll(() => qemuProcesses(bench.data), { timeout: 30_000 }).toEqual([])
    // What the hard way has no time for, every look at the shelf clears away.
    await bench.mayfly(['images', 'ls'])
    await expectNothingLeft(bench)
  })
})
