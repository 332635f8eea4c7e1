import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { readMachineRecord } from '../../../runner/machine/machine-record.ts'
import { type Bench, createBench, expectNothingLeft, qemuProcesses, type Run } from '../mayfly.ts'
import { begins, watchRun } from '../watched-run.ts'

const job = (step: string, more = '') => `
resources: { cpus: 2, memory: 512MiB }
network: none
${more}
steps:
  - run: ${step}
`

describe('a job that came to its end, whichever', () => {
  it('AC5: has its process on record while it boots, and leaves none when a step failed', async () => {
    const bench = await createBench({ templates: 'none' })
    const watched = await watchRun(bench, { pipeline: job('exit 7') })
    await watched.until(({ type, name }) => type === 'gate' && name === 'qmp')
    const [qemu] = await qemuProcesses(bench.data)
    const [id = ''] = await readdir(join(bench.data, 'machines'))
    const record = await readMachineRecord(join(bench.data, 'machines', id, 'machine.json'))
    expect(record?.qemu?.pid).toBe(qemu?.pid)
    const run = await watched.ended()
    expect(run.record?.machine?.pid).toBe(qemu?.pid)
    // Its boot is on the timeline, by what its console said and by what it took of the host.
    const timeline = await readFile(join(run.folder, 'timeline.jsonl'), 'utf8')
    const booted = timeline.slice(0, timeline.indexOf('"type":"phase-ended","phase":"boot"'))
    expect(booted).toContain('"kind":"kernel-started"')
    expect(booted.match(/"type":"sample"/g)?.length).toBeGreaterThan(2)
    await expectEnd(bench, run, { verdict: 'failed', failure: undefined, code: 1 })
  })

  it('AC5: leaves no process when it ran out of time in the middle of its boot', async () => {
    const bench = await createBench({ templates: 'none' })
    const run = await bench.run(job('echo never', 'timeout: 2s'))
    await expectEnd(bench, run, { verdict: 'timed-out', failure: undefined, code: 1 })
  })

  it('AC5: leaves no process when it was cancelled in the middle of its boot', async () => {
    const bench = await createBench({ templates: 'none' })
    const watched = await watchRun(bench, { pipeline: job('echo never') })
    await untilQemu(bench)
    watched.mayfly.kill('SIGINT')
    await expectEnd(bench, await watched.ended(), { verdict: 'cancelled', failure: undefined, code: 130 })
  })

  it('AC5: leaves no process when the host lost it in the middle of its boot', async () => {
    const bench = await createBench({ templates: 'none' })
    const watched = await watchRun(bench, { pipeline: job('echo never') })
    await watched.until(begins('boot'))
    const pid = await untilQemu(bench)
    process.kill(pid, 'SIGKILL')
    await expectEnd(bench, await watched.ended(), { verdict: 'errored', failure: 'boot', code: 3 })
  })
})

function untilQemu(bench: Bench): Promise<number> {
  const firstPid = async () => {
    const [machine] = await qemuProcesses(bench.data)
    if (machine === undefined) throw new Error('expected a QEMU by now, found none')
    return machine.pid
  }
  return vi.waitFor(firstPid, { timeout: 60_000, interval: 50 })
}

type End = { verdict: string; failure: string | undefined; code: number }

async function expectEnd(bench: Bench, { code, record }: Run, end: End): Promise<void> {
  expect({ verdict: record?.verdict, failure: record?.failure, code }).toEqual(end)
  const pid = record?.machine?.pid
  if (pid !== undefined) expect(existsSync(`/proc/${pid}`)).toBe(false)
  await expectNothingLeft(bench)
}
