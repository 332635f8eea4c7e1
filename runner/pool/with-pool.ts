import type { StartMachine } from '../job/job-order.ts'
import type { Pool } from './create-pool.ts'
import { handOver } from './hand-over.ts'

/**
 * Starts a machine out of the pool where one there is as the job wants it, and otherwise with `start`, which is told
 * why. Machines that wait go first where the job's own finds no room beside them.
 */
export function withPool(start: StartMachine, pool: Pool): StartMachine {
  return async (order) => {
    const { machine, reason } = pool.take(order)
    if (machine !== undefined) return machine
    const release = await pool.reserve(order.resources, order.signal)
    try {
      const started = await start({ ...order, strategyReason: reason })
      return handOver({ machine: started, onGone: release })
    } catch (error) {
      release()
      throw error
    }
  }
}
