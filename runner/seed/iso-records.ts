export const sectorSize = 2048

/** How many sectors `bytes` take. */
export function sectorsOf(bytes: number): number {
  return Math.ceil(bytes / sectorSize)
}

/** ECMA-119 7.2.3: a 16-bit number twice, little-endian first. */
export function both16(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt16LE(value, 0)
  bytes.writeUInt16BE(value, 2)
  return bytes
}

/** ECMA-119 7.3.3: a 32-bit number twice, little-endian first. */
export function both32(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(value, 0)
  bytes.writeUInt32BE(value, 4)
  return bytes
}

type RecordSpec = {
  readonly id: Buffer
  readonly sector: number
  /** bytes */
  readonly size: number
  readonly isDirectory: boolean
  readonly modified: Date
}

/** One directory record, ECMA-119 9.1; always of even length. */
export function directoryRecord({ id, sector, size, isDirectory, modified }: RecordSpec): Buffer {
  const length = 33 + id.length + (id.length % 2 === 0 ? 1 : 0)
  const record = Buffer.alloc(length)
  record.writeUInt8(length, 0)
  both32(sector).copy(record, 2)
  both32(size).copy(record, 10)
  recordDate(modified).copy(record, 18)
  record.writeUInt8(isDirectory ? directoryFlag : 0, 25)
  both16(1).copy(record, 28)
  record.writeUInt8(id.length, 32)
  id.copy(record, 33)
  return record
}

/** Lays records one after the other, none across the border of two sectors, filled up to whole sectors. */
export function packDirectory(records: readonly Buffer[]): Buffer {
  const parts: Buffer[] = []
  let used = 0
  const fill = () => {
    const rest = sectorsOf(used) * sectorSize - used
    parts.push(Buffer.alloc(rest))
    used += rest
  }
  for (const record of records) {
    if ((used % sectorSize) + record.length > sectorSize) fill()
    parts.push(record)
    used += record.length
  }
  fill()
  return Buffer.concat(parts)
}

const directoryFlag = 2

// ECMA-119 9.1.5: years since 1900, and an offset from UTC, which is 0 here.
function recordDate(date: Date): Buffer {
  return Buffer.of(
    date.getUTCFullYear() - 1900,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    0,
  )
}
