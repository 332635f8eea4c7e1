import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DiskFormat } from '../../../images/catalogue/entry.ts'
import { inspectDisk } from '../../../images/pull/inspect-disk.ts'
import { defaultLimits } from '../../../images/pull/limits.ts'
import { qcow2Disk, qemuImg, rawDisk, temporaryFolder } from '../make-disk.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = temporaryFolder()
  file = join(folder, 'disk')
})
afterEach(() => rmSync(folder, { recursive: true }))

function inspect(format: DiskFormat, limits = {}) {
  const signal = new AbortController().signal
  return inspectDisk({ name: 'test', file, format, limits: { ...defaultLimits, ...limits }, signal })
}

describe('inspectDisk', () => {
  it('gives the virtual size of a sound disk', async () => {
    writeFileSync(file, qcow2Disk(rawDisk(2 ** 21)))
    expect(await inspect('qcow2')).toEqual({ virtualSize: 2 ** 21 })
    writeFileSync(file, rawDisk(2 ** 20))
    expect(await inspect('raw')).toEqual({ virtualSize: 2 ** 20 })
  })

  it('refuses a disk that names a backing file', async () => {
    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', file, '1M')
    await expect(inspect('qcow2')).rejects.toMatchObject({
      class: 'image',
      message: 'image "test" is refused: expected a qcow2 disk that stands alone, got a backing file',
    })
  })

  it('refuses a disk that names a data file', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', '-o', `data_file=${join(folder, 'data')}`, file, '1M')
    await expect(inspect('qcow2')).rejects.toMatchObject({
      message: expect.stringContaining('external data file'),
    })
  })

  it('refuses a qcow2 that was declared raw, so that nobody ever probes it', async () => {
    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', file, '1M')
    await expect(inspect('raw')).rejects.toMatchObject({
      message: expect.stringContaining('got a qcow2 disk'),
    })
  })

  it('refuses another format than was declared, and says what it seems to be', async () => {
    writeFileSync(file, rawDisk())
    await expect(inspect('qcow2')).rejects.toMatchObject({
      message: expect.stringContaining('a raw disk with a boot sector'),
    })
    qemuImg('create', '-q', '-f', 'vmdk', file, '1M')
    await expect(inspect('qcow2')).rejects.toMatchObject({ message: expect.stringContaining('a VMDK disk') })
    writeFileSync(file, '<html><body>Please log in</body></html>')
    await expect(inspect('qcow2')).rejects.toMatchObject({ message: expect.stringContaining('a web page') })
  })

  it('refuses what qemu-img itself refuses', async () => {
    const disk = qcow2Disk()
    // A first-level table of more entries than QEMU allows.
    disk.writeUInt32BE(2 ** 30, 36)
    writeFileSync(file, disk)
    await expect(inspect('qcow2')).rejects.toMatchObject({
      class: 'image',
      message: expect.stringContaining('qemu-img'),
    })
  })

  it('refuses a disk that shows a guest more than the limit', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', file, '2T')
    await expect(inspect('qcow2')).rejects.toMatchObject({ message: expect.stringContaining('virtual size') })
  })

  it('says how to install qemu-img where it is missing', async () => {
    writeFileSync(file, qcow2Disk())
    const path = process.env.PATH
    symlinkSync('/usr/bin/prlimit', join(folder, 'prlimit'))
    process.env.PATH = folder
    try {
      await expect(inspect('qcow2')).rejects.toMatchObject({
        hint: 'Install it: sudo apt-get install -y qemu-utils',
      })
    } finally {
      process.env.PATH = path
    }
  })
})
