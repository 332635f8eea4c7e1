import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bootProbe } from '../../../runner/accel/boot-probe.ts'
import { withMounts } from '../../own-mounts.ts'
import { localImage } from '../acceptance/boot.ts'
import { builtCommand, createBench, expectNothingLeft } from '../mayfly.ts'
import { expectErrored } from './expect-end.ts'

/** A `mayfly` that sees a /dev/kvm which opens, as on any host that has one, and is none. */
const onDeadKvm = withMounts('[ ! -e /dev/kvm ] || mount --bind /dev/null /dev/kvm', builtCommand)

const why = existsSync('/dev/kvm') ? /\/dev\/kvm opens/ : /no \/dev\/kvm on this host/

const job = `
resources: { cpus: 2, memory: 512MiB }
network: none
steps: [ { run: echo ran } ]
`

describe('a host whose /dev/kvm is there but unusable', () => {
  it('runs jobs under emulation, and says why in the header of the log', async () => {
    const bench = await createBench({ command: onDeadKvm })
    const run = await bench.run(job)
    expect(run.record).toMatchObject({ verdict: 'passed' })
    expect(run.code).toBe(0)
    const header = /template start with tcg \((.*)\) in /.exec(run.log)?.[1]
    expect(header).toMatch(why)
    expect(run.record?.machine).toMatchObject({ accel: 'tcg', accelReason: header })
    expect(run.output).toContain(header)
    await expectNothingLeft(bench)
  })

  it('refuses jobs where the host file insists on KVM', async () => {
    const bench = await createBench({ command: onDeadKvm, templates: 'none' })
    await writeFile(join(bench.work, 'host.yml'), 'accel: kvm\n')
    const run = await bench.run(job, ['--config', 'host.yml'])
    expectErrored(run, {
      failure: 'boot',
      says: ['the host file insists on KVM, but it is not usable', '/dev/kvm', 'accel: auto'],
    })
    await expectNothingLeft(bench)
  })

  it('is told by a boot that ends within its time, whatever this host has', async () => {
    const { kernel } = await localImage()
    const signal = new AbortController().signal
    const probe = { binary: 'qemu-system-x86_64', kernel: kernel?.image ?? '', signal }
    const kvm = await bootProbe({ ...probe, accel: 'kvm', timeoutMs: 5_000 })
    expect(kvm.ms).toBeLessThan(30_000)
    expect(kvm.reason).toMatch(
      kvm.booted ? /a kernel spoke/ : /a kernel said nothing within 5 s|QEMU ended: \S/,
    )
    const tcg = await bootProbe({ ...probe, accel: 'tcg', timeoutMs: 60_000 })
    expect(tcg).toMatchObject({ booted: true, reason: expect.stringMatching(/^a kernel spoke \d+ ms after/) })
  })
})
