import type { BusMessage } from './bus.ts'

export type Subscriber = { push(message: BusMessage): void; close(): void }

type Listener = (message: BusMessage) => void | Promise<void>

/**
 * Gives messages to one subscriber, one after the other and never within `push`, so that a slow or broken one holds
 * up nobody. While it works, only the newest message about each thing is kept: what waits stays as small as the
 * number of things.
 */
export function createSubscriber(on: Listener, onError: (error: unknown) => void): Subscriber {
  const waiting = new Map<string, BusMessage>()
  let closed = false
  let working = false
  const drain = async () => {
    for (const [thing, message] of waiting) {
      if (closed) return
      waiting.delete(thing)
      try {
        await on(message)
      } catch (error) {
        onError(error)
      }
    }
    working = false
  }
  return {
    push: (message) => {
      if (closed) return
      waiting.set(thingOf(message), message)
      if (working) return
      working = true
      setImmediate(() => void drain())
    },
    close: () => {
      closed = true
      waiting.clear()
    },
  }
}

function thingOf(message: BusMessage): string {
  return `${message.type} ${'job' in message ? message.job : message.id}`
}
