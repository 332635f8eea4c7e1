import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { kvmPromise } from '../../../runner/accel/kvm-promise.ts'

let folder: string
let device: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-kvm-'))
  device = join(folder, 'kvm')
})
afterEach(() => rm(folder, { recursive: true }))

/** A device that opens, and a processor with these flags. */
async function promiseOf(flags: string) {
  const cpuinfo = join(folder, 'cpuinfo')
  await writeFile(device, '')
  await writeFile(
    cpuinfo,
    `processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: ${flags}\nbugs\t\t: spectre_v1\n`,
  )
  return await kvmPromise({ device, cpuinfo })
}

describe('kvmPromise', () => {
  it.each(['vmx', 'svm'])('is good with a device that opens and the flag %s', async (flag) => {
    expect(await promiseOf(`fpu ${flag} sse2`)).toEqual({
      usable: true,
      reason: `${device} opens and the processor has ${flag}`,
    })
  })

  it('is not, although the device opens, on a processor that cannot virtualise', async () => {
    expect(await promiseOf('fpu sse2 vmxish nosvm')).toEqual({
      usable: false,
      reason: `${device} opens, but the processor has neither vmx nor svm`,
    })
  })

  it('says that there is no device', async () => {
    expect(await kvmPromise({ device })).toEqual({ usable: false, reason: `no ${device} on this host` })
  })

  it('says how a user comes to a device that is not for them', async () => {
    // A read-only sysctl refuses to be written to with EACCES, root included.
    const forbidden = '/proc/sys/kernel/osrelease'
    const { usable, reason } = await kvmPromise({ device: forbidden })
    expect(usable).toBe(false)
    expect(reason).toContain('usermod -aG kvm')
  })

  it('says why a device does not open', async () => {
    expect((await kvmPromise({ device: folder })).reason).toBe(`${folder} does not open (EISDIR)`)
  })
})
