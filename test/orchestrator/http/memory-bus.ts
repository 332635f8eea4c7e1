import type { Bus, BusMessage } from '../../../orchestrator/bus/bus.ts'

/** A bus within this process; `said` is all that went over it. */
export function memoryBus(): { bus: Bus; said: readonly BusMessage[]; listeners: () => number } {
  const said: BusMessage[] = []
  const listeners = new Set<(message: BusMessage) => unknown>()
  const bus: Bus = {
    publish: async (message) => {
      said.push(message)
      for (const on of [...listeners]) void on(message)
    },
    subscribe: (on) => {
      listeners.add(on)
      return () => void listeners.delete(on)
    },
    close: async () => listeners.clear(),
  }
  return { bus, said, listeners: () => listeners.size }
}
