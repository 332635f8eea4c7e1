import { ConfigError, InfraError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'
import type { Machine } from '../machine/machine.ts'
import type { JobLife } from './job-life.ts'
import type { TarSource } from './job-order.ts'
import { placedError } from './placed-error.ts'

/** Puts the whole tree into the machine's working directory. */
export async function uploadPhase(life: JobLife, machine: Machine): Promise<void> {
  await upload(life, machine, await life.order.source.tree(life.signal))
}

/** Puts a tar stream into the machine's working directory. */
export async function upload({ timeline, signal }: JobLife, machine: Machine, tar: TarSource): Promise<void> {
  for (const message of tar.notes) timeline.emit({ type: 'note', message })
  try {
    const { bytes } = await machine.upload(tar.stream, signal)
    timeline.emit({ type: 'note', message: `uploaded ${formatSize(bytes)}` })
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof InfraError && error.class !== 'upload') throw placedError(error, 'during the upload')
    if (error instanceof InfraError || error instanceof ConfigError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new InfraError('upload', `the files could not be uploaded: ${message}`, { cause: error })
  } finally {
    tar.stream.destroy()
  }
}
