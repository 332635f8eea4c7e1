import type { Job } from '../../../config/pipeline/pipeline.ts'
import type { Repository } from '../../model/repository.ts'

/** A job that ran somewhere before, as far as it takes to run it here. */
export type PastJob = {
  readonly id: string
  /** As it was planned. */
  readonly job: Job
  readonly context: {
    readonly repo: string
    readonly ref: string
    readonly sha: string
    readonly event: string
  }
  /** What its machine stood on; undefined where it had none. */
  readonly image: { readonly name: string; readonly digest: string } | undefined
  /** Key of the checkpoint that its setup came from or was kept as. */
  readonly checkpoint: string | undefined
  /** Position of the step that failed, setup counted, from 0; undefined where none did. */
  readonly failed: number | undefined
  /** Whose checkpoints its setup may come from. */
  readonly scope: string
  readonly files: PastFiles
}

export type PastFiles =
  /** A folder of this computer, as it is now. */
  | { readonly kind: 'folder'; readonly directory: string }
  | {
      readonly kind: 'commit'
      readonly repository: Pick<Repository, 'forge' | 'name' | 'cloneUrl' | 'submodules' | 'lfs'>
    }
  /** Sent to the server, which still has them. */
  | { readonly kind: 'submitted' }
