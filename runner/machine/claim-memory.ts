import { withLock } from '../../images/lock.ts'
import { checkMemory } from './check-memory.ts'
import { memoryLock } from './filenames.ts'
import type { MemoryNeed } from './memory-need.ts'
import { outstandingMemory } from './outstanding-memory.ts'

type ClaimMemory = {
  readonly dataFolder: string
  readonly need: MemoryNeed
  /** Writes down that the memory is promised, where `outstandingMemory` finds it. */
  readonly write: () => Promise<void>
  readonly signal: AbortSignal
  /** @defaultValue /proc */
  readonly proc?: string
}

/** The claims of this process come one after the other, so that only those of others are waited for at the lock. */
let last: Promise<unknown> = Promise.resolve()

/**
 * Promises memory of this host to one machine, so that no two are ever promised the same: among all processes on this
 * data folder, one at a time looks at what there is and writes down what it takes of it.
 *
 * Throws what `checkMemory` throws, with nothing written, or the signal's reason.
 */
export function claimMemory({ dataFolder, need, write, signal, proc }: ClaimMemory): Promise<void> {
  const claim = last.then(() =>
    withLock({ path: memoryLock(dataFolder), signal }, async () => {
      // What a machine takes between the two readings is missing in both, so nothing is counted as free that is not.
      const outstanding = await outstandingMemory(dataFolder, proc)
      await checkMemory({ need, outstanding, proc })
      await write()
    }),
  )
  last = claim.catch(() => undefined)
  return claim
}
