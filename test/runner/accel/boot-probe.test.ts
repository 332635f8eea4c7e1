import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bootProbe } from '../../../runner/accel/boot-probe.ts'
import { fakeQemu } from './fake-qemu.ts'

const signal = new AbortController().signal
const kernel = '/boot/vmlinuz'

/** Writes its pid down, then does what `then` says, as the one process that it is. */
const script = (then: string) => `echo $$ >"$(dirname "$0")/pid"; ${then}`

async function isGone(folder: string): Promise<boolean> {
  const pid = Number(await readFile(join(folder, 'pid'), 'utf8'))
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

describe('bootProbe', () => {
  it('takes a kernel that says its version for the proof, and ends the machine at once', async () => {
    const { binary, folder } = await fakeQemu(
      script("printf 'SeaBIOS\\nLinux ver'; echo sion 6.1; exec sleep 60"),
    )
    const probe = await bootProbe({ binary, kernel, signal })
    expect(probe).toMatchObject({
      booted: true,
      reason: expect.stringMatching(/^a kernel spoke \d+ ms after/),
    })
    expect(probe.ms).toBeLessThan(5000)
    expect(await isGone(folder)).toBe(true)
  })

  it('gives up a machine that hangs, as one does whose KVM is a trap', async () => {
    const { binary, folder } = await fakeQemu(script('echo SeaBIOS; exec sleep 60'))
    const probe = await bootProbe({ binary, kernel, signal, timeoutMs: 300 })
    expect(probe).toMatchObject({ booted: false, reason: 'a kernel said nothing within 0.3 s' })
    expect(await isGone(folder)).toBe(true)
  })

  it('says with QEMU’s own words why it ended', async () => {
    const { binary } = await fakeQemu('echo warning >&2; echo "failed to set MSR 0x10a" >&2; kill -ABRT $$')
    const probe = await bootProbe({ binary, kernel, signal })
    expect(probe).toMatchObject({ booted: false, reason: 'QEMU ended: failed to set MSR 0x10a' })
  })

  it('says so where it ended without a word', async () => {
    const { binary } = await fakeQemu('exit 1')
    expect((await bootProbe({ binary, kernel, signal })).reason).toBe('QEMU ended: without a word')
  })

  it('says so where there is no such program', async () => {
    const probe = await bootProbe({ binary: '/nowhere/qemu', kernel, signal })
    expect(probe).toMatchObject({ booted: false, reason: expect.stringContaining('/nowhere/qemu') })
  })

  it('boots the kernel with the acceleration and processor that machines get', async () => {
    const { binary, folder } = await fakeQemu(
      'printf "%s\\n" "$@" >"$(dirname "$0")/argv"; echo Linux version',
    )
    for (const accel of ['kvm', 'tcg'] as const) {
      await bootProbe({ binary, kernel, accel, signal })
      const argv = (await readFile(join(folder, 'argv'), 'utf8')).split('\n')
      const following = (flag: string) => argv[argv.indexOf(flag) + 1]
      expect([following('-accel'), following('-cpu')]).toEqual([accel, accel === 'kvm' ? 'host' : 'max'])
      expect([following('-kernel'), following('-serial')]).toEqual([kernel, 'stdio'])
    }
  })

  it('rejects with the reason of the abort and leaves no process', async () => {
    const { binary, folder } = await fakeQemu(script('echo SeaBIOS; exec sleep 60'))
    const stop = new AbortController()
    const probing = bootProbe({ binary, kernel, signal: stop.signal })
    await expect.poll(() => readFile(join(folder, 'pid'), 'utf8').catch(() => '')).toMatch(/\d\n/)
    stop.abort(new Error('cancelled'))
    await expect(probing).rejects.toThrow('cancelled')
    expect(await isGone(folder)).toBe(true)
  })
})
