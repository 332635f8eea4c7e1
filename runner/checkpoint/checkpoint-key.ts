import { createHash } from 'node:crypto'
import type { NetworkMode } from '../../config/pipeline/pipeline.ts'
import { type TemplateSubject, templateKey } from '../template/template-key.ts'
import type { Setup } from './setup.ts'

export type CheckpointKey = {
  /** Digest of everything that the result of a setup depends on; the same for all who ask for the same. */
  readonly inputs: string
  /** Sixteen hex digits: those inputs within one scope. */
  readonly key: string
}

/**
 * What a checkpoint is known by: its template (image, resources, argv, QEMU, processor), the text of the setup and its
 * shell, the content of `setup_files`, the environment, the network mode, and whose it is.
 */
export async function checkpointKey(
  subject: TemplateSubject & { readonly network: NetworkMode },
  setup: Setup,
): Promise<CheckpointKey> {
  const { scripts, shell, files, preparation, access, isOffline } = setup
  const parts = {
    template: await templateKey(subject),
    network: isOffline === true ? `${subject.network}, switched off` : subject.network,
    scripts,
    shell,
    files,
    workdir: preparation.workdir,
    env: Object.entries(preparation.env).sort(([a], [b]) => (a < b ? -1 : 1)),
  }
  const inputs = digestOf(JSON.stringify(parts))
  return { inputs, key: digestOf(JSON.stringify([inputs, access.scope])).slice(0, 16) }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
