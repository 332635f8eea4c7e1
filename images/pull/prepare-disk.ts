import { join } from 'node:path'
import type { CatalogueEntry } from '../catalogue/entry.ts'
import type { OnImageProgress } from '../image-progress.ts'
import { convertToQcow2 } from './convert-to-qcow2.ts'
import { decompress } from './decompress.ts'
import { inspectDisk } from './inspect-disk.ts'
import type { PullLimits } from './limits.ts'

type Options = {
  readonly entry: CatalogueEntry
  /** The published file, its checksum verified. */
  readonly source: string
  readonly workFolder: string
  readonly limits: PullLimits
  readonly signal: AbortSignal
  readonly onProgress: OnImageProgress
}

/** An inspected qcow2 that stands alone; `virtualSize` in bytes. */
export type PreparedDisk = { readonly disk: string; readonly virtualSize: number }

/** From a published file to a disk for machines, which is the same file where that is a plain qcow2. */
export async function prepareDisk(options: Options): Promise<PreparedDisk> {
  const { entry, workFolder, limits, signal, onProgress } = options
  const { name, format, compression } = entry
  let disk = options.source
  if (compression !== 'none') {
    const target = join(workFolder, `unpacked.${format}`)
    await decompress({ name, source: disk, target, compression, limits, signal, onProgress })
    disk = target
  }
  onProgress({ phase: 'inspect' })
  const { virtualSize } = await inspectDisk({ name, file: disk, format, limits, signal })
  if (format === 'raw') {
    onProgress({ phase: 'convert' })
    const target = join(workFolder, 'converted.qcow2')
    await convertToQcow2({ name, source: disk, target, limits, signal })
    disk = target
  }
  return { disk, virtualSize }
}
