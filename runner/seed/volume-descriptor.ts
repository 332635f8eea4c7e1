import { ucs2 } from './iso-names.ts'
import { both16, both32, directoryRecord, sectorSize } from './iso-records.ts'
import { pathTableSize } from './path-table.ts'

type DescriptorSpec = {
  readonly kind: 'primary' | 'joliet'
  readonly volumeId: string
  /** Sectors of the whole image. */
  readonly sectors: number
  readonly root: { readonly sector: number; readonly size: number }
  /** Sectors of the two path tables. */
  readonly table: { readonly little: number; readonly big: number }
  readonly modified: Date
}

/** Sector 16 (primary, ECMA-119 8.4) or 17 (supplementary with Joliet's escape sequence, 8.5). */
export function volumeDescriptor({ kind, volumeId, sectors, root, table, modified }: DescriptorSpec): Buffer {
  const sector = header(kind === 'primary' ? 1 : 2)
  const text = kind === 'primary' ? asciiText : ucs2Text
  text(sector, { at: 8, length: 32, value: '' })
  text(sector, { at: 40, length: 32, value: volumeId })
  both32(sectors).copy(sector, 80)
  if (kind === 'joliet') sector.write(ucs2Level3, 88, 'ascii')
  both16(1).copy(sector, 120)
  both16(1).copy(sector, 124)
  both16(sectorSize).copy(sector, 128)
  both32(pathTableSize).copy(sector, 132)
  sector.writeUInt32LE(table.little, 140)
  sector.writeUInt32BE(table.big, 148)
  directoryRecord({ id: Buffer.of(0), ...root, isDirectory: true, modified }).copy(sector, 156)
  for (const [at, length] of unusedTexts) text(sector, { at, length, value: '' })
  for (const [at, date] of [
    [813, modified],
    [830, modified],
    [847, undefined],
    [864, modified],
  ] as const) {
    descriptorDate(date).copy(sector, at)
  }
  sector.writeUInt8(1, 881)
  return sector
}

/** The last of the descriptors, ECMA-119 8.3. */
export function terminator(): Buffer {
  return header(255)
}

const ucs2Level3 = '%/E'

/** Set, publisher, preparer, application, copyright, abstract and bibliography: offset and length. */
const unusedTexts = [
  [190, 128],
  [318, 128],
  [446, 128],
  [574, 128],
  [702, 37],
  [739, 37],
  [776, 37],
] as const

function header(type: number): Buffer {
  const sector = Buffer.alloc(sectorSize)
  sector.writeUInt8(type, 0)
  sector.write('CD001', 1, 'ascii')
  sector.writeUInt8(1, 6)
  return sector
}

type TextField = { readonly at: number; readonly length: number; readonly value: string }

function asciiText(sector: Buffer, { at, length, value }: TextField): void {
  sector.write(value.padEnd(length, ' '), at, length, 'ascii')
}

// A field of 37 bytes holds 18 characters and ends in a zero byte.
function ucs2Text(sector: Buffer, { at, length, value }: TextField): void {
  ucs2(value.padEnd(Math.floor(length / 2), ' ')).copy(sector, at)
}

// ECMA-119 8.4.26.1: sixteen digits, hundredths last, and an offset from UTC; zeros mean that there is no date.
function descriptorDate(date: Date | undefined): Buffer {
  const digits = date ? date.toISOString().replaceAll(/\D/g, '').slice(0, 16) : '0'.repeat(16)
  return Buffer.from(`${digits}\0`, 'ascii')
}
