import { chmod, mkdir, open, rm, statfs, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, inject, it, vi } from 'vitest'
import { copySparse } from '../../../runner/template/copy-sparse.ts'
import { templateFolder, templatePaths, templatesFolder } from '../../../runner/template/filenames.ts'
import { digestOf, fingerprintOf, writeManifest } from '../../../runner/template/manifest.ts'
import { listTemplates } from '../../../runner/template/template-shelf.ts'
import { eventually } from '../../eventually.ts'
import { createSmallDisk } from '../../own-mounts.ts'
import { type Bench, createBench, expectNothingLeft, qemuProcesses } from '../mayfly.ts'
import { smallTemplate } from './clones.ts'

const job = 'resources: { memory: 512MiB }\nnetwork: none\nsteps: [ { run: echo it ran } ]\n'

/** A bench with a template of its own, a copy of the one that all share; and that template. */
async function benchWithTemplate(): Promise<{ bench: Bench; template: () => ReturnType<typeof only> }> {
  const bench = await createBench({ templates: 'own' })
  const { key, manifest, paths } = await smallTemplate(inject('sharedData'))
  const copy = templatePaths(templateFolder(templatesFolder(bench.data), key))
  await mkdir(copy.folder, { recursive: true })
  const { signal } = new AbortController()
  for (const name of ['disk', 'ram', 'state', 'console'] as const)
    await copySparse(paths[name], copy[name], signal)
  const files = {
    disk: await fingerprintOf(copy.disk),
    ram: await fingerprintOf(copy.ram),
    state: await fingerprintOf(copy.state),
  }
  await writeManifest(copy.manifest, { ...manifest, files })
  const { fault } = await only(bench.data)
  expect(fault).toBeUndefined()
  return { bench, template: () => only(bench.data) }
}

async function only(data: string) {
  const [template, ...more] = await listTemplates(templatesFolder(data))
  if (template === undefined || more.length > 0) throw new Error('expected one template')
  return template
}

describe('a template whose machine is killed while it starts', () => {
  it('stays, for it is no fault of its own, and the job runs in a machine that comes up from cold', async () => {
    const { bench, template } = await benchWithTemplate()
    const { key } = await template()
    const running = bench.run(job)
    const qemu = await eventually('the machine', async () => (await qemuProcesses(bench.data))[0])
    process.kill(qemu.pid, 'SIGKILL')
    const run = await running
    expect(run.record).toMatchObject({ verdict: 'passed', machine: { strategy: 'cold' } })
    expect(run.log).toContain(
      `not faster: template ${key} did not start: the machine did not boot: QEMU was killed`,
    )
    expect((await template()).key).toBe(key)
    await expectNothingLeft(bench)
  })
})

describe('a template that is not as it was made', () => {
  it('is thrown away and built anew, and the job never sees it', async () => {
    const { bench, template } = await benchWithTemplate()
    const { key, paths } = await template()
    await truncate(paths.ram, 4096)
    const run = await bench.run(job)
    expect(run.output).toContain(`template ${key} thrown away: its ram is not as it was made`)
    expect(run.record).toMatchObject({ verdict: 'passed', machine: { strategy: 'template' } })
    expect((await template()).fault).toBeUndefined()
    await expectNothingLeft(bench)
  })

  it('falls back to a cold start, once, when it does not start, and is gone and counted then', async () => {
    const { bench, template } = await benchWithTemplate()
    const { key, paths, manifest } = await template()
    // A state that is sound by its manifest and that QEMU can make nothing of.
    await chmod(paths.state, 0o600)
    await writeFile(paths.state, Buffer.alloc(64 * 1024, 1))
    const files = { ...manifest.files, state: await fingerprintOf(paths.state) }
    await writeManifest(paths.manifest, { ...manifest, files, stateDigest: await digestOf(paths.state) })
    const run = await bench.run(job)
    expect(run.record).toMatchObject({
      verdict: 'passed',
      machine: { strategy: 'cold', templateFailed: true },
    })
    expect(run.log).toContain(`not faster: template ${key} did not start and was thrown away`)
    expect(await listTemplates(templatesFolder(bench.data))).toEqual([])
    await expectNothingLeft(bench)
  })
})

const fillerIn = (data: string) => join(data, 'filler')

/** Takes all that is free of a disk, again and again, until the work is over. */
async function whileFilling<T>(data: string, work: Promise<T>): Promise<T> {
  let isOver = false
  const over = () => {
    isOver = true
  }
  work.then(over, over)
  const filler = await open(fillerIn(data), 'w')
  try {
    while (!isOver) {
      const { bavail, bsize } = await statfs(data)
      await filler.write(Buffer.alloc(Math.min(bavail * bsize, 16 * 2 ** 20))).catch(() => undefined)
      if (bavail === 0) await sleep(50)
    }
  } finally {
    await filler.close()
  }
  return await work
}

describe('a disk without room for a template', () => {
  it('costs the job its fast start, and nothing else', async () => {
    const data = await createSmallDisk(400)
    const bench = await createBench({ data, templates: 'own' })
    const run = await bench.run(job)
    expect(run.log).toContain('not faster: its template could not be made: template ')
    expect(run.record).toMatchObject({ verdict: 'passed', machine: { strategy: 'cold' } })
    expect(await listTemplates(templatesFolder(data))).toEqual([])
    await expectNothingLeft(bench)
  })

  it('that fills while a template is made fails that one, and the next can be made', async () => {
    const data = await createSmallDisk(800)
    const bench = await createBench({ data, templates: 'own' })
    const building = bench.mayfly(['templates', 'build', '--memory', '512MiB'])
    await vi.waitFor(async () => expect(await qemuProcesses(data)).toHaveLength(1), { timeout: 60_000 })
    const { exitCode, all } = await whileFilling(data, building)
    expect(exitCode, all).toBe(3)
    expect(all).toContain('got a full disk')
    expect(await listTemplates(templatesFolder(data))).toEqual([])
    await rm(fillerIn(data))
    const run = await bench.run(job)
    expect(run.record).toMatchObject({ verdict: 'passed', machine: { strategy: 'template' } })
    await expectNothingLeft(bench)
  })
})
