import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { ShelfImage } from '../../../images/image.ts'
import { type TemplateSubject, templateKey } from '../../../runner/template/template-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'mayfly-key-'))
afterAll(() => rmSync(folder, { recursive: true }))
const kernel = join(folder, 'kernel')
const initrd = join(folder, 'initrd')
writeFileSync(kernel, 'a kernel')
writeFileSync(initrd, 'an initrd')

const image: ShelfImage = {
  name: 'debian-12-local',
  digest: 'sha256:aa',
  disk: '/data/images/debian-12-local/aa/disk.qcow2',
  virtualSize: 3 * 2 ** 30,
  kernel: { image: kernel, initrd, append: 'root=/dev/vda' },
  profile: {
    user: 'ci',
    firmware: 'bios',
    diskBus: 'virtio',
    nic: 'virtio',
    resources: {},
    readyPattern: 'login:',
    seed: 'mayfly',
    userData: undefined,
  },
}
const subject: TemplateSubject = {
  image,
  resources: { cpus: 2, memory: 2 ** 30, disk: 10 * 2 ** 30 },
  accel: { accel: 'tcg', reason: 'no KVM' },
  qemu: { binary: '/usr/bin/qemu-system-x86_64', version: '7.2.22' },
}

const withImage = (parts: Partial<ShelfImage>): TemplateSubject => ({
  ...subject,
  image: { ...image, ...parts },
})
const withProfile = (parts: Partial<ShelfImage['profile']>) =>
  withImage({ profile: { ...image.profile, ...parts } })
const withResources = (parts: Partial<TemplateSubject['resources']>): TemplateSubject => ({
  ...subject,
  resources: { ...subject.resources, ...parts },
})

describe('the key of a template', () => {
  it('is the same for the same machine, wherever its files lie and whatever its image is called', async () => {
    const key = await templateKey(subject)
    expect(key).toMatch(/^[0-9a-f]{16}$/)
    const moved = { name: 'mine', disk: '/elsewhere/disk.qcow2' }
    expect(await templateKey(withImage(moved))).toBe(key)
    expect(await templateKey({ ...subject, accel: { accel: 'tcg', reason: 'the host file says so' } })).toBe(
      key,
    )
    expect(await templateKey({ ...subject, qemu: { ...subject.qemu, binary: '/opt/qemu' } })).toBe(key)
  })

  it.each<[string, TemplateSubject]>([
    ["the image's digest", withImage({ digest: 'sha256:bb' })],
    ["the kernel's command line", withImage({ kernel: { image: kernel, initrd, append: 'quiet' } })],
    ['the initrd', withImage({ kernel: { image: kernel, initrd: kernel, append: 'root=/dev/vda' } })],
    ['the way it boots', withImage({ kernel: undefined })],
    ["QEMU's version", { ...subject, qemu: { ...subject.qemu, version: '8.2.0' } }],
    ['acceleration', { ...subject, accel: { accel: 'kvm', reason: 'proven' } }],
    ['cpus', withResources({ cpus: 1 })],
    ['memory', withResources({ memory: 2 ** 31 })],
    ['disk', withResources({ disk: 11 * 2 ** 30 })],
    ['the bus of the disk', withProfile({ diskBus: 'scsi' })],
    ['the network card', withProfile({ nic: 'e1000' })],
    ['the firmware', withProfile({ firmware: 'uefi' })],
    ['the login user', withProfile({ user: 'root' })],
    ["the image's user-data", withProfile({ userData: '#cloud-config\n' })],
  ])('is another with another value of %s', async (_what, other) => {
    expect(await templateKey(other)).not.toBe(await templateKey(subject))
  })

  it('is another when the kernel was replaced under its name', async () => {
    const before = await templateKey(subject)
    writeFileSync(kernel, 'another kernel')
    expect(await templateKey(subject)).not.toBe(before)
  })
})
