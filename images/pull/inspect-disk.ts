import { open } from 'node:fs/promises'
import { execa } from 'execa'
import { z } from 'zod'
import { InfraError } from '../../config/errors.ts'
import type { DiskFormat } from '../catalogue/entry.ts'
import { checkToolPresent, limitedArgs, toolOptions, toolWords } from '../run-limited.ts'
import type { PullLimits } from './limits.ts'
import { tooLargeError } from './pull-error.ts'
import { describeStart, isQcow2, qcow2HeaderBytes, readQcow2Header } from './qcow2-header.ts'

type Options = {
  readonly name: string
  readonly file: string
  readonly format: DiskFormat
  readonly limits: PullLimits
  readonly signal: AbortSignal
}

/**
 * Decides whether a disk that came from elsewhere may become the base of machines; hostile until then. Its header
 * is read here first, and only then by `qemu-img info`, bounded in CPU and memory and told which format to expect,
 * so that a raw disk is never taken for a qcow2 that its writer put inside (CVE-2013-1922 and its kin).
 *
 * @throws InfraError `image`
 */
export async function inspectDisk(options: Options): Promise<{ virtualSize: number }> {
  const { name, file, format, limits } = options
  const start = await readStart(file)
  const header = readQcow2Header(start)
  if (format === 'qcow2' && !header.ok) {
    throw refusal(name, 'a qcow2 disk that stands alone', header.found)
  }
  if (format === 'raw' && (isQcow2(start) || start.length === 0)) {
    throw refusal(name, 'a raw disk', describeStart(start))
  }
  const info = await qemuImgInfo(options)
  const outside =
    info['backing-filename'] ?? info['full-backing-filename'] ?? info['format-specific']?.data?.['data-file']
  if (outside !== undefined || info.encrypted === true) {
    throw refusal(
      name,
      'a disk that stands alone',
      outside === undefined ? 'an encrypted one' : `one that needs ${outside}`,
    )
  }
  if (info.format !== format) {
    throw refusal(name, `a ${format} disk`, `a ${info.format} disk`)
  }
  if (info['virtual-size'] > limits.imageBytes) {
    throw tooLargeError(name, 'a virtual size', limits.imageBytes, info['virtual-size'])
  }
  return { virtualSize: info['virtual-size'] }
}

const diskInfo = z.object({
  format: z.string(),
  'virtual-size': z.number(),
  encrypted: z.boolean().optional(),
  'backing-filename': z.string().optional(),
  'full-backing-filename': z.string().optional(),
  'format-specific': z
    .object({ data: z.object({ 'data-file': z.string().optional() }).optional() })
    .optional(),
})

/** 1 GiB and 30 s of CPU are what OpenStack grants (oslo.utils and nova, bug 1449062). */
async function qemuImgInfo({ name, file, format, signal }: Options): Promise<z.infer<typeof diskInfo>> {
  const limits = { cpu: 30, memory: 2 ** 30, fileSize: 0 }
  const args = ['info', '--output=json', '-f', format, file]
  const result = await execa('prlimit', limitedArgs('qemu-img', args, limits), toolOptions(signal))
  signal.throwIfAborted()
  checkToolPresent('qemu-img', result)
  if (result.failed) {
    throw refusal(name, `qemu-img info to accept the disk as ${format}`, toolWords(result))
  }
  return diskInfo.parse(JSON.parse(result.stdout))
}

function refusal(name: string, expected: string, got: string): InfraError {
  return new InfraError(
    'image',
    `image ${JSON.stringify(name)} is refused: expected ${expected}, got ${got}`,
    {
      hint: 'Check `format` and `compression` of the image, and whether you trust where it comes from.',
    },
  )
}

async function readStart(file: string): Promise<Buffer> {
  const handle = await open(file, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(qcow2HeaderBytes), 0, qcow2HeaderBytes, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
