import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { qcow2Disk } from '../../images/make-disk.ts'
import { createBench, expectNothingLeft, qemuProcesses } from '../mayfly.ts'
import { watchRun } from '../watched-run.ts'
import { commandLine, valuesOf } from './command-line.ts'

describe('the machine of a job', () => {
  it('AC23, AC24: is as large as its image says where the job is silent, with the card of the image', async () => {
    const args = await startedWith({
      host: `images: { mine: { path: disk.qcow2, resources: { cpus: 2, memory: 4096MiB }, nic: e1000 } }`,
    })
    expect(valuesOf(args, '-smp')).toEqual(['2'])
    expect(valuesOf(args, '-m')).toEqual(['4096M'])
    expect(cardOf(args)).toMatch(/^e1000,netdev=n0,mac=52:54:00(:[0-9a-f]{2}){3},romfile=$/)
  })

  it('AC23, AC24: is as large as the job says, each number for itself, with a virtio card by default', async () => {
    const args = await startedWith({
      host: `images: { mine: { path: disk.qcow2, resources: { cpus: 2, memory: 4096MiB } } }`,
      job: 'resources: { memory: 384MiB }',
    })
    expect(valuesOf(args, '-smp')).toEqual(['2'])
    expect(valuesOf(args, '-m')).toEqual(['384M'])
    expect(cardOf(args)).toMatch(/^virtio-net-pci,netdev=n0,/)
  })

  it('AC23: is as large as the host file says where neither job nor image says a word', async () => {
    const args = await startedWith({
      host: `{ resources: { cpus: 1, memory: 320MiB }, images: { mine: { path: disk.qcow2 } } }`,
    })
    expect(valuesOf(args, '-smp')).toEqual(['1'])
    expect(valuesOf(args, '-m')).toEqual(['320M'])
  })
})

/** Starts a job on a disk without a system on it, and gives the arguments of its QEMU once that answers. */
async function startedWith({ host, job = '' }: { host: string; job?: string }): Promise<string[]> {
  const bench = await createBench({ withImage: false, templates: 'none' })
  await writeFile(join(bench.work, 'disk.qcow2'), qcow2Disk())
  await writeFile(join(bench.work, 'host.yml'), host)
  const pipeline = `image: mine\nnetwork: none\n${job}\nsteps: [{ run: "true" }]\n`
  const watched = await watchRun(bench, { pipeline, args: ['--config', 'host.yml'] })
  await watched.until(({ type, name }) => type === 'gate' && name === 'qmp')
  const [qemu] = await qemuProcesses(bench.data)
  const args = await commandLine(qemu?.pid ?? 0)
  watched.mayfly.kill('SIGINT')
  expect((await watched.ended()).record?.verdict).toBe('cancelled')
  await expectNothingLeft(bench)
  return args
}

function cardOf(args: readonly string[]): string | undefined {
  return valuesOf(args, '-device').find((device) => device.includes('netdev=n0'))
}
