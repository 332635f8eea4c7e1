import { execa } from 'execa'
import { InfraError } from '../../config/errors.ts'

/** What an overlay stands on: a qcow2 file, and how large the guest sees it, in bytes. */
export type DiskBase = { readonly disk: string; readonly virtualSize: number }

type CreateOverlay = { base: DiskBase; path: string; disk: number; signal: AbortSignal }

/**
 * Makes the qcow2 overlay that takes every write of a machine, on a base that is never written.
 * `disk` is bytes; the overlay is as large as the larger of it and the base, for a disk can be grown but not shrunk.
 * Returns its virtual size in bytes.
 */
export async function createOverlay({ base, path, disk, signal }: CreateOverlay): Promise<number> {
  const size = Math.max(disk, base.virtualSize)
  const backing = ['-F', 'qcow2', '-b', base.disk]
  const result = await execa('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, path, String(size)], {
    cancelSignal: signal,
    reject: false,
  })
  signal.throwIfAborted()
  if (result.exitCode === 0) return size
  if (result.code === 'ENOENT') {
    throw new InfraError('boot', 'expected qemu-img on this host, found none', {
      hint: 'apt-get install qemu-utils',
    })
  }
  const full = result.stderr.includes('No space left')
  throw new InfraError(
    full ? 'host-disk-full' : 'boot',
    `the machine's disk could not be made: ${result.stderr}`,
  )
}
