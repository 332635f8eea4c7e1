import { chmod, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { checkpointsFolder } from '../../../runner/template/filenames.ts'
import { digestOf, fingerprintOf, writeManifest } from '../../../runner/template/manifest.ts'
import { listTemplates } from '../../../runner/template/template-shelf.ts'
import { killAt } from '../kill-at.ts'
import { type Bench, createBench, expectNothingLeft, qemuProcesses } from '../mayfly.ts'

const job = `
resources: { memory: 512MiB }
network: none
setup: [ "echo the setup runs; sudo touch /opt/x" ]
steps: [ { run: "ls /opt" } ]
`

/** What a job that makes a checkpoint can be in the middle of. */
const moments: Record<string, (bench: Bench) => Promise<boolean>> = {
  'while it freezes': async (bench) => (await filesAtWork(bench)).includes('state'),
  'before it is in its place': async (bench) => (await filesAtWork(bench)).includes('disk.qcow2'),
}

const shelf = ({ data }: Bench) => listTemplates(checkpointsFolder(data))

describe('a checkpoint', () => {
  it('is made by one of those that want it, and never used as it should not be: killed, damaged or broken', async () => {
    const bench = await createBench({ templates: 'shared' })
    await writeFile(join(bench.work, '.mayfly.yml'), job)
    for (const [moment, isNow] of Object.entries(moments)) await killMaker({ bench, moment, isNow })

    const { key, paths, manifest } = await makeWithTwoAtOnce(bench)

    await truncate(paths.ram, 4096)
    const anew = await bench.run(job)
    expect(anew.output).toContain(`checkpoint ${key} thrown away: its ram is not as it was made`)
    expect(anew.record).toMatchObject({ verdict: 'passed', machine: { checkpoint: { state: 'kept', key } } })

    // A state that is sound by its manifest and that QEMU can make nothing of.
    await chmod(paths.state, 0o600)
    await writeFile(paths.state, Buffer.alloc(64 * 1024, 1))
    const files = {
      disk: await fingerprintOf(paths.disk),
      ram: await fingerprintOf(paths.ram),
      state: await fingerprintOf(paths.state),
    }
    await writeManifest(paths.manifest, { ...manifest, files, stateDigest: await digestOf(paths.state) })
    const again = await bench.run(job)
    const why = `checkpoint ${key} did not start and was thrown away`
    expect(again.log).toContain(`setup runs now, to be kept as checkpoint ${key}: ${why}`)
    expect(again.record).toMatchObject({ verdict: 'passed', machine: { checkpoint: { state: 'kept', key } } })
    expect((await shelf(bench)).map((each) => [each.key, each.fault])).toEqual([[key, undefined]])
    await expectNothingLeft(bench)
  })
})

type Kill = { bench: Bench; moment: string; isNow: (bench: Bench) => Promise<boolean> }

async function killMaker({ bench, moment, isNow }: Kill): Promise<void> {
  await killAt({
    start: () => bench.mayfly(['run']),
    isNow: () => isNow(bench),
    again: () => bench.mayfly(['checkpoints', 'rm', 'all']),
  })
  const isGone = async () => expect(await qemuProcesses(bench.data), moment).toEqual([])
  await vi.waitFor(isGone, { timeout: 120_000 })
  expect(await shelf(bench), moment).toEqual([])
  // So that it is not taken for that of the next one.
  for (const name of ['jobs', 'checkpoints/.work']) await rm(join(bench.data, name), { recursive: true })
}

/** One job makes it, and the other waits for that and starts from it. */
async function makeWithTwoAtOnce(bench: Bench) {
  const both = await Promise.all([bench.mayfly(['run']), bench.mayfly(['run'])])
  const outputs = both.map(({ all }) => String(all))
  const records = await bench.records()
  expect(records.map(({ verdict }) => verdict).join(), outputs.join()).toBe('passed,passed')
  const states = records.map(({ machine }) => `${machine?.checkpoint?.state} ${machine?.strategy}`)
  expect(states.sort()).toEqual(['kept checkpoint', 'restored checkpoint'])
  const [made, ...more] = await shelf(bench)
  if (made === undefined || more.length > 0) throw new Error('expected one checkpoint')
  const waiting = `waiting for checkpoint ${made.key}, which another process or job is making`
  expect(outputs.filter((text) => text.includes(waiting))).toHaveLength(1)
  return made
}

async function filesAtWork({ data }: Bench): Promise<string[]> {
  const work = join(checkpointsFolder(data), '.work')
  const folders = await readdir(work).catch(() => [])
  return (await Promise.all(folders.map((name) => readdir(join(work, name)).catch(() => [])))).flat()
}
