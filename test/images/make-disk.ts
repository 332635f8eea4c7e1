import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that the test removes. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'mayfly-images-'))
}

/** A raw disk whose bytes do not compress, with a boot sector's mark. */
export function rawDisk(size = 2 ** 20): Buffer {
  const disk = randomBytes(size)
  disk.writeUInt16BE(0x55aa, 510)
  return disk
}

/** A real qcow2 that holds `content`. */
export function qcow2Disk(content = rawDisk()): Buffer {
  const folder = temporaryFolder()
  try {
    writeFileSync(join(folder, 'raw'), content)
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', join(folder, 'raw'), join(folder, 'qcow2'))
    return readFileSync(join(folder, 'qcow2'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export function qemuImg(...args: string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8' })
}

export function digestOf(content: Buffer, algorithm: 'sha256' | 'sha512' = 'sha256'): string {
  return `${algorithm}:${hexOf(content, algorithm)}`
}

export function hexOf(content: Buffer, algorithm: 'sha256' | 'sha512' = 'sha256'): string {
  return createHash(algorithm).update(content).digest('hex')
}
