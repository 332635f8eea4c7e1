/** Bytes of a path table that knows the root directory only. */
export const pathTableSize = 10

/** ECMA-119 9.4: one record, the root, which is its own parent and number 1. */
export function pathTable(rootSector: number, order: 'little' | 'big'): Buffer {
  const table = Buffer.alloc(pathTableSize)
  table.writeUInt8(1, 0)
  if (order === 'little') {
    table.writeUInt32LE(rootSector, 2)
    table.writeUInt16LE(1, 6)
  } else {
    table.writeUInt32BE(rootSector, 2)
    table.writeUInt16BE(1, 6)
  }
  return table
}
