import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { InfraError } from '../../config/errors.ts'
import { diskFullError } from '../disk-full.ts'
import { checkToolPresent, limitedArgs, toolOptions } from '../run-limited.ts'

type Options = {
  readonly name: string
  /** Where the disk came from, for the message. */
  readonly origin: string
  /** An inspected qcow2. */
  readonly disk: string
  readonly workFolder: string
  readonly signal: AbortSignal
}

const sectorSize = 512
const bootMark = 0x55aa

/**
 * Refuses a disk that no firmware starts, for on it a machine would only wait in silence. BIOS and UEFI alike look
 * for 55 AA at the end of the first sector (UEFI 2.10, 5.2.3: the protective MBR).
 *
 * @throws InfraError `image` with the image's name and where it is from
 */
export async function checkBootable({ name, origin, disk, workFolder, signal }: Options): Promise<void> {
  const target = join(workFolder, 'first-sector')
  const copy = ['dd', '-f', 'qcow2', '-O', 'raw', `bs=${sectorSize}`, 'count=1', `if=${disk}`, `of=${target}`]
  const limits = { cpu: 30, memory: 2 ** 30, fileSize: sectorSize }
  const result = await execa('prlimit', limitedArgs('qemu-img', copy, limits), toolOptions(signal))
  signal.throwIfAborted()
  checkToolPresent('qemu-img', result)
  if (/No space left on device|Disk quota exceeded/.test(result.stderr)) {
    throw diskFullError(`reading the first sector of image ${name}`, target)
  }
  const sector = result.failed ? Buffer.alloc(0) : await readFile(target)
  if (sector.length === sectorSize && sector.readUInt16BE(sectorSize - 2) === bootMark) return
  throw new InfraError(
    'image',
    `image ${JSON.stringify(name)}: expected a disk that can boot from ${origin}, got one without a boot sector`,
    { hint: 'Take a cloud image, or name `kernel`, `initrd` and `append` for it in the host file.' },
  )
}
