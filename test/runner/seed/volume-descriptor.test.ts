import { describe, expect, it } from 'vitest'
import { isoImage } from '../../../runner/seed/iso9660.ts'

const sector = 2048
const image = isoImage({
  volumeId: 'cidata',
  files: [
    { name: 'user-data', content: Buffer.from('#cloud-config\n') },
    { name: 'meta-data', content: Buffer.from('instance-id: m1\n') },
  ],
  modified: new Date('2026-03-04T05:06:07.890Z'),
})
const primary = image.subarray(16 * sector, 17 * sector)
const joliet = image.subarray(17 * sector, 18 * sector)

function utf16(bytes: Buffer): string {
  return Buffer.from(bytes).swap16().toString('utf16le')
}

describe('the descriptors of an image with two files', () => {
  it('has the primary descriptor of ECMA-119 in sector 16', () => {
    expect(primary.subarray(0, 8)).toEqual(Buffer.from('\x01CD001\x01\0'))
    expect(primary.subarray(40, 72).toString()).toBe('cidata'.padEnd(32))
    // 16 system, 3 descriptors, 4 path tables, 2 root directories, 2 files
    expect(primary.subarray(80, 88)).toEqual(Buffer.of(27, 0, 0, 0, 0, 0, 0, 27))
    expect(primary.subarray(88, 120).every((byte) => byte === 0)).toBe(true)
    expect(primary.subarray(120, 132)).toEqual(Buffer.of(1, 0, 0, 1, 1, 0, 0, 1, 0, 8, 8, 0))
    expect(primary.subarray(132, 140)).toEqual(Buffer.of(10, 0, 0, 0, 0, 0, 0, 10))
    expect(primary.subarray(140, 156)).toEqual(Buffer.of(19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0))
    expect(primary.subarray(813, 830).toString()).toBe('2026030405060789\0')
    expect(primary.subarray(847, 864).toString()).toBe('0000000000000000\0')
    expect(primary[881]).toBe(1)
  })

  it('has the root record of the primary tree', () => {
    const record = primary.subarray(156, 190)
    expect(record[0]).toBe(34)
    expect(record.subarray(2, 10)).toEqual(Buffer.of(23, 0, 0, 0, 0, 0, 0, 23))
    expect(record.subarray(10, 18)).toEqual(Buffer.of(0, 8, 0, 0, 0, 0, 8, 0))
    expect(record.subarray(18, 25)).toEqual(Buffer.of(126, 3, 4, 5, 6, 7, 0))
    expect(record[25]).toBe(2)
    expect(record.subarray(32, 34)).toEqual(Buffer.of(1, 0))
  })

  it('has the Joliet descriptor with UCS-2 level 3 in sector 17 and the terminator in 18', () => {
    expect(joliet.subarray(0, 8)).toEqual(Buffer.from('\x02CD001\x01\0'))
    expect(joliet.subarray(88, 92).toString()).toBe('%/E\0')
    expect(utf16(joliet.subarray(40, 72))).toBe('cidata'.padEnd(16))
    expect(joliet.readUInt32LE(140)).toBe(21)
    expect(joliet.readUInt32BE(148)).toBe(22)
    expect(joliet.readUInt32LE(158)).toBe(24)
    expect(image.subarray(18 * sector, 18 * sector + 8)).toEqual(Buffer.from('\xffCD001\x01\0', 'latin1'))
  })

  it('has path tables of one root record in both byte orders', () => {
    const table = (at: number) => image.subarray(at * sector, at * sector + 10)
    expect(table(19)).toEqual(Buffer.of(1, 0, 23, 0, 0, 0, 1, 0, 0, 0))
    expect(table(20)).toEqual(Buffer.of(1, 0, 0, 0, 0, 23, 0, 1, 0, 0))
    expect(table(21)).toEqual(Buffer.of(1, 0, 24, 0, 0, 0, 1, 0, 0, 0))
    expect(table(22)).toEqual(Buffer.of(1, 0, 0, 0, 0, 24, 0, 1, 0, 0))
  })

  it('has the files of the Joliet root in the order of their names, each at its sector', () => {
    const records = image.subarray(24 * sector + 68, 25 * sector)
    expect(utf16(records.subarray(33, 51))).toBe('meta-data')
    expect(records.readUInt32LE(2)).toBe(26)
    const second = records.subarray(records[0])
    expect(utf16(second.subarray(33, 51))).toBe('user-data')
    expect(second.readUInt32LE(2)).toBe(25)
    expect(image.subarray(25 * sector, 25 * sector + 14).toString()).toBe('#cloud-config\n')
    expect(image.length).toBe(27 * sector)
  })
})
