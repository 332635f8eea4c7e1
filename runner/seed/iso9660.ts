import { checkModified, checkNames, checkVolumeId } from './iso-checks.ts'
import { byBytes, shortNames, ucs2 } from './iso-names.ts'
import { directoryRecord, packDirectory, sectorSize, sectorsOf } from './iso-records.ts'
import { pathTable, pathTableSize } from './path-table.ts'
import { terminator, volumeDescriptor } from './volume-descriptor.ts'

export type IsoFile = { readonly name: string; readonly content: Buffer }

export type IsoSpec = {
  /** 1 to 16 letters, digits or underscores. */
  readonly volumeId: string
  /** Root directory only; names of up to 64 UCS-2 characters. */
  readonly files: readonly IsoFile[]
  readonly modified: Date
}

/**
 * An ISO 9660 image with a Joliet tree, whole in memory, in sectors of 2048 bytes.
 * The primary tree carries 8.3 names; every reader that matters (Linux isofs) takes the Joliet names.
 *
 * @throws {ConfigError} when a name, the volume id or the date cannot be written
 * @see ECMA-119 and the Joliet Specification (Microsoft, 1995)
 */
export function isoImage({ volumeId, files, modified }: IsoSpec): Buffer {
  checkVolumeId(volumeId)
  checkModified(modified)
  const names = files.map((file) => file.name)
  checkNames(names)
  const short = shortNames(names)
  const trees = [
    tree(files, (_, index) => Buffer.from(short[index] ?? '', 'ascii')),
    tree(files, (file) => ucs2(file.name)),
  ]
  const { tables, roots, contents, end } = layout(trees, files, modified)
  const image = Buffer.alloc(end * sectorSize)
  const put = (sector: number, data: Buffer) => data.copy(image, sector * sectorSize)
  trees.forEach((entries, index) => {
    const root = roots[index] ?? { sector: 0, size: 0 }
    const table = tables[index] ?? { little: 0, big: 0 }
    const kind = index === 0 ? 'primary' : 'joliet'
    put(firstDescriptor + index, volumeDescriptor({ kind, volumeId, sectors: end, root, table, modified }))
    put(table.little, pathTable(root.sector, 'little'))
    put(table.big, pathTable(root.sector, 'big'))
    put(root.sector, directory(entries, { root, contents, modified }))
  })
  put(firstDescriptor + trees.length, terminator())
  files.forEach((file, index) => {
    put(contents[index] ?? 0, file.content)
  })
  return image
}

/** Sectors 0 to 15 belong to the system that boots from the disc; ours has none. */
const firstDescriptor = 16

type Entry = { readonly id: Buffer; readonly index: number; readonly size: number }
type Extent = { readonly sector: number; readonly size: number }

// Records must lie in the order of their identifiers (ECMA-119 9.3), each tree in its own.
function tree(files: readonly IsoFile[], idOf: (file: IsoFile, index: number) => Buffer): Entry[] {
  return files
    .map((file, index) => ({ id: idOf(file, index), index, size: file.content.length }))
    .sort((a, b) => byBytes(a.id, b.id))
}

// Descriptors, both path tables of each tree, the root directories, then the files' bytes.
function layout(trees: readonly Entry[][], files: readonly IsoFile[], modified: Date) {
  let next = firstDescriptor + trees.length + 1
  const take = (bytes: number) => {
    const sector = next
    next += sectorsOf(bytes)
    return sector
  }
  const tables = trees.map(() => ({ little: take(pathTableSize), big: take(pathTableSize) }))
  const roots = trees.map((entries): Extent => {
    const size = directory(entries, { root: { sector: 0, size: 0 }, contents: [], modified }).length
    return { sector: take(size), size }
  })
  // A file without bytes has no extent: sector 0, as ECMA-119 6.4.1 allows and xorriso reads without complaint.
  const contents = files.map((file) => (file.content.length === 0 ? 0 : take(file.content.length)))
  return { tables, roots, contents, end: next }
}

type Placement = { readonly root: Extent; readonly contents: readonly number[]; readonly modified: Date }

// The root directory is its own parent, so its first two records are the same but for the name.
function directory(entries: readonly Entry[], { root, contents, modified }: Placement): Buffer {
  return packDirectory([
    directoryRecord({ id: Buffer.of(0), ...root, isDirectory: true, modified }),
    directoryRecord({ id: Buffer.of(1), ...root, isDirectory: true, modified }),
    ...entries.map(({ id, index, size }) =>
      directoryRecord({ id, size, sector: contents[index] ?? 0, isDirectory: false, modified }),
    ),
  ])
}
