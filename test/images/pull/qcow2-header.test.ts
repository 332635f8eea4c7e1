import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeStart, readQcow2Header } from '../../../images/pull/qcow2-header.ts'
import { qcow2Disk, qemuImg, temporaryFolder } from '../make-disk.ts'

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('readQcow2Header', () => {
  it('accepts what qemu-img makes, in both versions', () => {
    for (const [compat, version] of [
      ['0.10', 2],
      ['1.1', 3],
    ] as const) {
      const disk = join(folder, `v${version}`)
      qemuImg('create', '-q', '-f', 'qcow2', '-o', `compat=${compat}`, disk, '3M')
      expect(readQcow2Header(readFileSync(disk))).toEqual({ ok: true, version, virtualSize: 3 * 2 ** 20 })
    }
  })

  it('accepts zstd clusters and extended L2 entries, which stay inside the file', () => {
    const disk = join(folder, 'disk')
    qemuImg('create', '-q', '-f', 'qcow2', '-o', 'compression_type=zstd,extended_l2=on', disk, '3M')
    expect(readQcow2Header(readFileSync(disk))).toMatchObject({ ok: true, version: 3 })
  })

  it('refuses a backing file', () => {
    const disk = join(folder, 'disk')
    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', '/etc/shadow', '-F', 'raw', disk, '1M')
    expect(readQcow2Header(readFileSync(disk))).toEqual({ ok: false, found: 'a backing file' })
  })

  it('refuses an external data file', () => {
    const disk = join(folder, 'disk')
    qemuImg('create', '-q', '-f', 'qcow2', '-o', `data_file=${join(folder, 'data')}`, disk, '1M')
    expect(readQcow2Header(readFileSync(disk))).toEqual({ ok: false, found: 'an external data file' })
  })

  it('refuses the name of a data file whose feature bit was cleared to hide it', () => {
    const disk = join(folder, 'disk')
    qemuImg('create', '-q', '-f', 'qcow2', '-o', `data_file=${join(folder, 'data')}`, disk, '1M')
    const start = readFileSync(disk)
    start.writeBigUInt64BE(0n, 72)
    expect(readQcow2Header(start)).toEqual({ ok: false, found: 'the name of an external data file' })
  })

  it('refuses encryption, the corrupt mark and features it does not know', () => {
    const change = (edit: (start: Buffer) => void) => {
      const start = Buffer.from(qcow2Disk())
      edit(start)
      return readQcow2Header(start)
    }
    expect(change((start) => start.writeUInt32BE(2, 32))).toMatchObject({ found: 'an encrypted disk' })
    expect(change((start) => start.writeBigUInt64BE(2n, 72))).toMatchObject({
      found: 'a disk that is marked corrupt',
    })
    expect(change((start) => start.writeBigUInt64BE(32n, 72))).toMatchObject({
      found: 'unknown features 0x20',
    })
    expect(change((start) => start.writeUInt32BE(4, 4))).toMatchObject({ found: 'qcow version 4' })
    expect(change((start) => start.writeUInt32BE(40, 20))).toMatchObject({ found: 'clusters of 2^40 bytes' })
  })

  it('never throws and never loops, whatever follows the magic', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        readQcow2Header(Buffer.from(bytes))
        readQcow2Header(Buffer.concat([Buffer.from('QFI\xfb\0\0\0\x03', 'latin1'), Buffer.from(bytes)]))
      }),
    )
  })
})

describe('describeStart', () => {
  it('recognises what people publish by mistake or compressed', () => {
    writeFileSync(join(folder, 'plain'), 'hello')
    expect(describeStart(Buffer.from('<!DOCTYPE html><title>404'))).toBe('a web page')
    expect(describeStart(Buffer.from('\xfd7zXZ\0', 'latin1'))).toBe('xz-compressed data')
    expect(describeStart(Buffer.alloc(0))).toBe('an empty file')
    expect(describeStart(Buffer.from('hello'))).toBe('bytes of no known format')
  })
})
