import type { StartMachine } from '../../runner/job/job-order.ts'
import { NoMemory } from '../../runner/machine/check-memory.ts'

/** Starts machines and remembers one that this host had no memory for: its job is not to blame and waits. */
export type MemoryWatch = {
  readonly startMachine: StartMachine
  /** What was said; undefined where there was memory. */
  readonly lacked: () => string | undefined
}

export function watchMemory(startMachine: StartMachine): MemoryWatch {
  let lacked: string | undefined
  return {
    startMachine: async (order) => {
      try {
        return await startMachine(order)
      } catch (error) {
        if (error instanceof NoMemory) lacked = error.message
        throw error
      }
    },
    lacked: () => lacked,
  }
}
