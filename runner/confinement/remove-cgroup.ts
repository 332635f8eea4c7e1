import { rmdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const attempts = 20
const retryMs = 50

/** Takes down the group of a process that has ended; the kernel may need a moment to see that. */
export async function removeCgroup(group: string): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const error = await rmdir(group).then(
      () => undefined,
      (failure: NodeJS.ErrnoException) => failure,
    )
    if (error?.code !== 'EBUSY') return
    await sleep(retryMs)
  }
}
