import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { localImage } from '../acceptance/boot.ts'
import { type Bench, createBench, expectNothingLeft, type Run } from '../mayfly.ts'
import { expectErrored } from './expect-end.ts'

/** Runs a job on the kernel that all share with an empty disk and these words, under a short budget. */
async function runWithKernel(bench: Bench, words: string): Promise<Run> {
  const { kernel } = await localImage()
  const disk = join(bench.work, 'empty.qcow2')
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '64M'])
  const lines = [
    'boot: { quiet: 8s }',
    'images:',
    '  broken:',
    `    path: ${disk}`,
    '    format: qcow2',
    '    user: ci',
    `    kernel: ${kernel?.image}`,
    `    initrd: ${kernel?.initrd}`,
    `    append: ${JSON.stringify(`console=ttyS0 panic=-1 ${words}`)}`,
  ]
  await writeFile(join(bench.work, 'host.yml'), `${lines.join('\n')}\n`)
  const job =
    'image: broken\nresources: { cpus: 1, memory: 256MiB }\nnetwork: none\nsteps: [ { run: echo never } ]\n'
  return await bench.run(job, ['--config', 'host.yml'])
}

describe('a job whose machine does not boot', () => {
  it.each([
    ['sleeps for ever', 'rdinit=/bin/busybox -- sleep 100000', 'idle and silent'],
    ['computes for ever', 'rdinit=/bin/busybox -- sh -c "while :; do :; done"', 'computing in silence'],
  ])('is errored as boot, with the last lines of the console, when the guest %s', async (_, words, why) => {
    const bench = await createBench({ withImage: false, templates: 'none' })
    const run = await runWithKernel(bench, words)
    expectErrored(run, {
      failure: 'boot',
      says: [
        'the machine did not pass gate banner in',
        `the guest has been ${why} for`,
        'the last lines of the console:',
        'Run /bin/busybox as init process',
        'no SSH server spoke',
      ],
    })
    expect(run.record?.steps).toEqual([])
    await expectNothingLeft(bench)
  })

  it('is errored as guest-panic, with the last lines of the console, when the kernel panics', async () => {
    const bench = await createBench({ withImage: false, templates: 'none' })
    const run = await runWithKernel(bench, 'rdinit=/bin/busybox -- false')
    expectErrored(run, {
      failure: 'guest-panic',
      says: ['the machine did not boot', 'Attempted to kill init', 'the last lines of the console:'],
    })
    await expectNothingLeft(bench)
  })
})
