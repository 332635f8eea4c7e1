import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findProgram } from '../../../runner/host/find-program.ts'
import { expectNoStackTrace } from '../../expect-no-stack-trace.ts'
import { type Bench, expectNothingLeft, type Run } from '../../machine/mayfly.ts'
import { createSmallDisk } from '../../own-mounts.ts'
import { addTinyImage, createCommandBench, expectRefusal } from './command-bench.ts'

type RunTiny = { readonly resources?: string; readonly host?: string; readonly env?: Record<string, string> }

/** Runs a job on an image with an empty disk, which is as far as a host that cannot run it lets it come. */
async function runTiny(
  bench: Bench,
  { resources = '{ memory: 128MiB }', host = '', env = {} }: RunTiny,
): Promise<Run> {
  await writeFile(join(bench.work, 'host.yml'), `${await addTinyImage(bench)}${host}`)
  await writeFile(join(bench.work, '.mayfly.yml'), `resources: ${resources}\nsteps: [ { run: make } ]\n`)
  return await bench.result(bench.mayfly(['run', '--config', 'host.yml'], { env }))
}

/** A folder for PATH that holds these programs of this host and no other. */
async function onlyPrograms(bench: Bench, names: readonly string[]): Promise<string> {
  const folder = join(bench.work, 'bin')
  await mkdir(folder)
  for (const name of names) await symlink((await findProgram(name)) ?? name, join(folder, name))
  return folder
}

async function memoryOfHost(): Promise<number> {
  const meminfo = await readFile('/proc/meminfo', 'latin1')
  return Math.floor(Number(/^MemTotal:\s+(\d+) kB$/m.exec(meminfo)?.[1]) / 1024)
}

describe('mayfly run on a host that cannot run the job', () => {
  it('refuses a job that asks for more memory than the host has in all', async () => {
    const bench = await createCommandBench()
    const run = await runTiny(bench, { resources: '{ memory: 15TiB }' })
    expectRefusal({
      run,
      code: 2,
      says: ['the job asks for 15 TiB of memory, this host has', 'in all', 'resources: { memory: … }'],
    })
    expect(run.record).toMatchObject({ verdict: 'errored', failure: 'config' })
    await expectNothingLeft(bench)
  })

  it('refuses a job that asks for more memory than the host has free', async () => {
    const bench = await createCommandBench()
    // With the 768 MiB of an emulating QEMU that is all that the host has but one MiB, and so much is never free.
    const resources = `{ memory: ${(await memoryOfHost()) - 769}MiB }`
    const run = await runTiny(bench, { resources, host: 'accel: tcg\n' })
    expectRefusal({
      run,
      code: 3,
      says: ['of memory, this host has', 'free', 'end something else on this host'],
    })
    expect(run.record).toMatchObject({ verdict: 'errored', failure: 'boot' })
    await expectNothingLeft(bench)
  })

  it('names the package to install where QEMU is missing', async () => {
    const bench = await createCommandBench()
    const path = await onlyPrograms(bench, ['git', 'qemu-img', 'prlimit', 'setpriv'])
    const run = await runTiny(bench, { env: { PATH: `${path}:${join(bench.work, 'empty')}` } })
    expectRefusal({
      run,
      code: 3,
      says: ['expected qemu-system-x86_64 on this host, found none', 'apt-get install qemu-system-x86'],
    })
    expect(run.record).toMatchObject({ verdict: 'errored', failure: 'boot' })
    await expectNothingLeft(bench)

    const doctor = await bench.mayfly(['doctor'], { env: { PATH: path } })
    expect(doctor.all).toContain('qemu-system-x86_64')
    expect(doctor.all).toContain('apt-get install qemu-system-x86')
    expectNoStackTrace(String(doctor.all))
    expect(doctor.exitCode).toBe(3)
  })

  it('says what a disk with too little room has and what is asked for', async () => {
    const bench = await createCommandBench({ data: await createSmallDisk(64) })
    const run = await runTiny(bench, {})
    expectRefusal({
      run,
      code: 3,
      says: ['expected at least 256 MiB free in', 'found 6', 'mayfly images gc', '--data'],
    })
    expect(run.record).toMatchObject({ verdict: 'errored', failure: 'host-disk-full' })
    await expectNothingLeft(bench)
  })

  it('refuses a data folder that cannot be written, and a host file with a wrong key', async () => {
    const bench = await createCommandBench()
    await writeFile(join(bench.work, 'file'), '')
    const run = await runTiny(bench, { env: { MAYFLY_DATA: join(bench.work, 'file') } })
    expectRefusal({ run, code: 2, says: ['expected a data folder that can be written', '--data FOLDER'] })
    const wrong = await runTiny(bench, { host: 'acel: kvm\n' })
    expectRefusal({ run: wrong, code: 2, says: ['host.yml:5:1: unknown key "acel": did you mean "accel"?'] })
    await expectNothingLeft(bench)
  })
})
