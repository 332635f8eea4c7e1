import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chooseAccel } from '../../../runner/accel/choose-accel.ts'
import { fakeQemu } from './fake-qemu.ts'

// Whatever this host's KVM is worth, a QEMU that ends at once never proves it.
async function brokenKvm() {
  const { binary, folder } = await fakeQemu('echo "failed to set MSR" >&2; exit 1')
  const signal = new AbortController().signal
  return {
    binary,
    kernel: '/boot/vmlinuz',
    qemuVersion: '7.2',
    cacheFile: join(folder, 'a/accel.json'),
    signal,
  }
}

describe('chooseAccel', () => {
  it('takes emulation where the host file asks for it, and proves nothing', async () => {
    expect(await chooseAccel({ ...(await brokenKvm()), wanted: 'tcg' })).toEqual({
      accel: 'tcg',
      reason: 'the host file asks for emulation',
    })
  })

  it('takes emulation where KVM is not proven, and says why, the same each time', async () => {
    const options = { ...(await brokenKvm()), wanted: 'auto' } as const
    const first = await chooseAccel(options)
    expect(first.accel).toBe('tcg')
    expect(first.reason).toMatch(/kvm/)
    expect(await chooseAccel(options)).toEqual(first)
  })

  it('refuses to start where the host file insists on a KVM that is not usable', async () => {
    const options = { ...(await brokenKvm()), wanted: 'kvm' } as const
    await expect(chooseAccel(options)).rejects.toMatchObject({
      class: 'boot',
      message: expect.stringContaining('insists on KVM'),
      hint: expect.stringContaining('accel: auto'),
    })
  })
})
