/** What the first bytes of a qcow2 file promise. https://qemu.org/docs/master/interop/qcow2.html */
export type Qcow2Header =
  | { readonly ok: true; readonly version: 2 | 3; readonly virtualSize: number }
  | { readonly ok: false; readonly found: string }

/** As many bytes as `readQcow2Header` needs: the header and its extensions lie in the first cluster. */
export const qcow2HeaderBytes = 65_536

const magic = 0x514649fb
const incompatible = { dirty: 0, corrupt: 1, dataFile: 2, compression: 3, extendedL2: 4 }
const dataFileExtension = 0x44415441
const backingFormatExtension = 0xe2792aca

export function isQcow2(start: Buffer): boolean {
  return start.length >= 4 && start.readUInt32BE(0) === magic
}

/**
 * Says what a qcow2 header asks for, and refuses what would make QEMU open a second file (a backing file, an
 * external data file), a disk that is encrypted or marked corrupt, and features that this code does not know.
 * Runs before any QEMU tool sees the file.
 */
export function readQcow2Header(start: Buffer): Qcow2Header {
  const refuse = (found: string): Qcow2Header => ({ ok: false, found })
  if (!isQcow2(start) || start.length < 72) {
    return refuse(describeStart(start))
  }
  const version = start.readUInt32BE(4)
  if (version !== 2 && version !== 3) {
    return refuse(`qcow version ${version}`)
  }
  if (start.readBigUInt64BE(8) !== 0n || start.readUInt32BE(16) !== 0) {
    return refuse('a backing file')
  }
  const clusterBits = start.readUInt32BE(20)
  if (clusterBits < 9 || clusterBits > 21) {
    return refuse(`clusters of 2^${clusterBits} bytes`)
  }
  if (start.readUInt32BE(32) !== 0) {
    return refuse('an encrypted disk')
  }
  const virtualSize = start.readBigUInt64BE(24)
  if (virtualSize > BigInt(Number.MAX_SAFE_INTEGER)) {
    return refuse(`a size of ${virtualSize} bytes`)
  }
  const found = version === 3 ? refusedFeature(start) : undefined
  return found ?? { ok: true, version, virtualSize: Number(virtualSize) }
}

function refusedFeature(start: Buffer): Qcow2Header | undefined {
  const refuse = (found: string): Qcow2Header => ({ ok: false, found })
  if (start.length < 104) {
    return refuse('a header that is cut off')
  }
  const features = start.readBigUInt64BE(72)
  const has = (bit: number) => (features & (1n << BigInt(bit))) !== 0n
  if (has(incompatible.dataFile)) {
    return refuse('an external data file')
  }
  if (has(incompatible.corrupt)) {
    return refuse('a disk that is marked corrupt')
  }
  if (features >> BigInt(incompatible.extendedL2 + 1) !== 0n) {
    return refuse(`unknown features 0x${features.toString(16)}`)
  }
  const extensions = extensionTypes(start)
  if (extensions.includes(dataFileExtension)) {
    return refuse('the name of an external data file')
  }
  return extensions.includes(backingFormatExtension) ? refuse('the format of a backing file') : undefined
}

/** Type and length, four bytes each, then the data padded to eight; type 0 ends the list. */
function extensionTypes(start: Buffer): number[] {
  const types: number[] = []
  let offset = start.readUInt32BE(100)
  while (offset + 8 <= start.length && start.readUInt32BE(offset) !== 0) {
    types.push(start.readUInt32BE(offset))
    offset += 8 + Math.ceil(start.readUInt32BE(offset + 4) / 8) * 8
  }
  return types
}

/** A guess at what a file is, so that a wrong `compression` or an error page is recognised by its message. */
export function describeStart(start: Buffer): string {
  const text = start.subarray(0, 64).toString('latin1')
  const signs: [boolean, string][] = [
    [start.length === 0, 'an empty file'],
    [isQcow2(start), 'a qcow2 disk'],
    [text.startsWith('\xfd7zXZ\x00'), 'xz-compressed data'],
    [text.startsWith('\x28\xb5\x2f\xfd'), 'zstd-compressed data'],
    [text.startsWith('\x1f\x8b'), 'gzip-compressed data'],
    [text.startsWith('KDMV') || text.startsWith('# Disk DescriptorFile'), 'a VMDK disk'],
    [/^\s*<(!doctype|html)/i.test(text), 'a web page'],
    [start.length >= 512 && start.readUInt16BE(510) === 0x55aa, 'a raw disk with a boot sector'],
  ]
  return signs.find(([fits]) => fits)?.[1] ?? 'bytes of no known format'
}
