import { execa } from 'execa'
import { InfraError } from '../../config/errors.ts'
import { diskFullError } from '../disk-full.ts'
import { checkToolPresent, limitedArgs, toolOptions, toolWords } from '../run-limited.ts'
import type { PullLimits } from './limits.ts'

type Options = {
  readonly name: string
  readonly source: string
  readonly target: string
  readonly limits: PullLimits
  readonly signal: AbortSignal
}

/** Makes the qcow2 that overlays stand on out of a raw disk; holes stay holes. */
export async function convertToQcow2({ name, source, target, limits, signal }: Options): Promise<void> {
  const args = ['convert', '-f', 'raw', '-O', 'qcow2', source, target]
  const toolLimits = { cpu: 3600, memory: 4 * 2 ** 30, fileSize: limits.imageBytes }
  const result = await execa('prlimit', limitedArgs('qemu-img', args, toolLimits), toolOptions(signal))
  signal.throwIfAborted()
  checkToolPresent('qemu-img', result)
  if (/No space left on device|Disk quota exceeded/.test(result.stderr)) {
    throw diskFullError(`converting image ${name}`, target)
  }
  if (result.failed) {
    throw new InfraError(
      'image',
      `image ${JSON.stringify(name)}: expected qemu-img to convert it to qcow2, got: ${toolWords(result)}`,
    )
  }
}
