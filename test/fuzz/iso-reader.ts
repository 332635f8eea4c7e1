const sectorSize = 2048

export type IsoTree = {
  readonly volumeId: string
  /** By name, as the tree has it. */
  readonly files: ReadonlyMap<string, Buffer>
}

/**
 * Reads both trees of an image by ECMA-119 and the Joliet Specification, and by nothing of the writer's. Strict: throws
 * where two forms of a number differ, a record is out of order or crosses a sector, or anything lies beyond the image.
 */
export function readIso(image: Buffer): { primary: IsoTree; joliet: IsoTree } {
  if (image.length % sectorSize !== 0) throw new Error('expected whole sectors')
  const found: Partial<Record<number, Buffer>> = {}
  for (let sector = 16; ; sector++) {
    const descriptor = sectorAt(image, sector)
    if (descriptor.toString('ascii', 1, 6) !== 'CD001' || descriptor[6] !== 1)
      throw new Error('no descriptor')
    const type = descriptor.readUInt8(0)
    if (type === 255) break
    found[type] = descriptor
  }
  const { 1: primary, 2: joliet } = found
  if (primary === undefined || joliet === undefined) throw new Error('expected both descriptors')
  if (joliet.toString('ascii', 88, 91) !== '%/E') throw new Error('expected UCS-2 level 3')
  return {
    primary: readTree(image, primary, (id) => id.toString('ascii')),
    joliet: readTree(image, joliet, ucs2),
  }
}

function readTree(image: Buffer, descriptor: Buffer, textOf: (id: Buffer) => string): IsoTree {
  if (both32(descriptor, 80) * sectorSize !== image.length) throw new Error('a wrong number of sectors')
  if (both16(descriptor, 128) !== sectorSize) throw new Error('a wrong size of sectors')
  const root = recordAt(descriptor, 156)
  checkPathTables(image, descriptor, root.sector)
  const directory = image.subarray(root.sector * sectorSize, root.sector * sectorSize + root.size)
  if (directory.length !== root.size || root.size % sectorSize !== 0)
    throw new Error('a wrong root directory')
  const records: ReturnType<typeof recordAt>[] = []
  for (let at = 0; at < directory.length; ) {
    if (directory[at] === 0) {
      at = (Math.floor(at / sectorSize) + 1) * sectorSize
      continue
    }
    const record = recordAt(directory, at)
    if (Math.floor(at / sectorSize) !== Math.floor((at + record.length - 1) / sectorSize))
      throw new Error('a record that crosses a sector')
    records.push(record)
    at += record.length
  }
  const [self, parent, ...entries] = records
  if (self?.id.equals(Buffer.of(0)) !== true || parent?.id.equals(Buffer.of(1)) !== true)
    throw new Error('expected the two records of the directory itself')
  const files = new Map<string, Buffer>()
  let before: Buffer | undefined
  for (const { id, sector, size, flags } of entries) {
    if (before !== undefined && Buffer.compare(before, id) >= 0) throw new Error('records out of order')
    before = id
    if (flags !== 0) throw new Error('expected a plain file')
    const content = image.subarray(sector * sectorSize, sector * sectorSize + size)
    if (content.length !== size) throw new Error('a file beyond the image')
    files.set(textOf(id), content)
  }
  return { volumeId: textOf(descriptor.subarray(40, 72)).trimEnd(), files }
}

function checkPathTables(image: Buffer, descriptor: Buffer, root: number): void {
  const size = both32(descriptor, 132)
  const little = sectorAt(image, descriptor.readUInt32LE(140)).subarray(0, size)
  const big = sectorAt(image, descriptor.readUInt32BE(148)).subarray(0, size)
  if (little.readUInt8(0) !== 1 || little.readUInt32LE(2) !== root || little.readUInt16LE(6) !== 1)
    throw new Error('a wrong path table')
  if (big.readUInt8(0) !== 1 || big.readUInt32BE(2) !== root || big.readUInt16BE(6) !== 1)
    throw new Error('a wrong path table')
}

/** Directory record, ECMA-119 9.1. */
function recordAt(bytes: Buffer, at: number) {
  const length = bytes.readUInt8(at)
  const idLength = bytes.readUInt8(at + 32)
  if (length < 33 + idLength || length % 2 !== 0) throw new Error('a record of a wrong length')
  return {
    length,
    id: bytes.subarray(at + 33, at + 33 + idLength),
    sector: both32(bytes, at + 2),
    size: both32(bytes, at + 10),
    flags: bytes.readUInt8(at + 25),
  }
}

function sectorAt(image: Buffer, sector: number): Buffer {
  const bytes = image.subarray(sector * sectorSize, (sector + 1) * sectorSize)
  if (bytes.length !== sectorSize) throw new Error('a sector beyond the image')
  return bytes
}

function both32(bytes: Buffer, at: number): number {
  if (bytes.readUInt32LE(at) !== bytes.readUInt32BE(at + 4)) throw new Error('a number that is two')
  return bytes.readUInt32LE(at)
}

function both16(bytes: Buffer, at: number): number {
  if (bytes.readUInt16LE(at) !== bytes.readUInt16BE(at + 2)) throw new Error('a number that is two')
  return bytes.readUInt16LE(at)
}

function ucs2(bytes: Buffer): string {
  return Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString('utf16le')
}
