import type { LimitName } from '../../config/limits/named-limits.ts'
import { formatSize } from '../../config/size.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { bytesIn } from './bytes-in.ts'

type FolderSize = {
  /** Absolute path; one that is not there has nothing in it. */
  readonly folder: string
  /** In a word or two, for people: `the archive`. */
  readonly what: string
  readonly limit: LimitName
  /** Bytes; undefined for no bound, and then nothing is measured. */
  readonly most: number | undefined
  readonly metrics: Pick<Metrics, 'diskBytes' | 'limits'>
  /** ms for which a measurement is good; it looks at every file. @defaultValue 5 min */
  readonly fresh?: number
  /** Frees that many bytes, as far as it can, before anybody is told that there is too much. @defaultValue nothing */
  readonly makeRoom?: ((bytes: number) => Promise<unknown>) | undefined
}

/** Of the limit, that is made free beyond what is too much, so that not each job finds it reached again. */
const spare = 0.1

/** Gives what says that a folder is larger than its limit allows; undefined where it is not. */
export function watchFolderSize(options: FolderSize): () => Promise<string | undefined> {
  const { folder, what, limit, most, metrics, fresh = 300_000, makeRoom } = options
  if (most === undefined) return async () => undefined
  let measured: { readonly bytes: number; readonly at: number } | undefined
  let wasOver = false
  return async () => {
    const isDue = measured === undefined || performance.now() - measured.at > fresh
    let bytes = isDue || measured === undefined ? await bytesIn(folder) : measured.bytes
    if (bytes > most && !wasOver) metrics.limits.inc({ limit })
    if (isDue && bytes > most && makeRoom !== undefined) {
      await makeRoom(bytes - most * (1 - spare))
      bytes = await bytesIn(folder)
    }
    if (isDue) measured = { bytes, at: performance.now() }
    metrics.diskBytes.set({ limit }, bytes)
    const isOver = bytes > most
    wasOver = isOver
    return isOver
      ? `${what} takes ${formatSize(bytes)}, of at most ${formatSize(most)} (${limit})`
      : undefined
  }
}
