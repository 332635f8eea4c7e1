import type { Resources } from '../../images/image.ts'

/** Machines that are to wait for jobs: which, and how many. */
export type PoolWant = {
  readonly image: string
  readonly resources: Resources
  readonly network: 'none' | 'web'
  /** Kept ready where there is room for them; at least 1. */
  readonly min: number
  /** Kept ready at most, when many are asked for. */
  readonly max: number
}
