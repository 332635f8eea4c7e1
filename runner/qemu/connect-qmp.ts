import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { InfraError } from '../../config/errors.ts'
import { Qmp } from './qmp.ts'
import type { QmpEvent } from './qmp-message.ts'

type QmpTarget = {
  /** Path of the unix socket, of at most 107 bytes. */
  readonly path: string
  readonly signal: AbortSignal
  /** Milliseconds since 1970 after which QEMU counts as not started. */
  readonly deadline: number
  /** Sees every event from the first on. */
  readonly onEvent?: (event: QmpEvent) => void
}

/**
 * Connects to a QEMU that is just starting; it listens some 80 ms after it was spawned.
 *
 * @throws {InfraError} of class `boot` at the deadline; the signal's reason on abort
 */
export async function connectQmp({ path, signal, onEvent, ...target }: QmpTarget): Promise<Qmp> {
  // From here on by a clock that nobody sets.
  const deadline = performance.now() + target.deadline - Date.now()
  const qmp = new Qmp(await connectWhenUp({ path, signal, deadline }))
  if (onEvent) qmp.onEvent(onEvent)
  try {
    await qmp.negotiate({ signal, timeoutMs: Math.max(1, Math.ceil(deadline - performance.now())) })
    return qmp
  } catch (error) {
    qmp.close()
    throw error
  }
}

const pollMs = 50

async function connectWhenUp({ path, signal, deadline }: QmpTarget): Promise<Socket> {
  for (;;) {
    signal.throwIfAborted()
    const attempt = await connectOnce(path)
    if (!(attempt instanceof Error)) return attempt
    if (performance.now() >= deadline || !isNotYetUp(attempt)) throw notUp(path, attempt)
    // The loop's first line throws the signal's own reason; that of sleep is another.
    await sleep(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

async function connectOnce(path: string): Promise<Socket | NodeJS.ErrnoException> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return socket
  } catch (error) {
    socket.destroy()
    return error as NodeJS.ErrnoException
  }
}

// No file yet, or a file on which nobody listens yet; EAGAIN is a full backlog.
function isNotYetUp({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EAGAIN'
}

function notUp(path: string, cause: Error): InfraError {
  return new InfraError('boot', `Expected QEMU to listen on ${path}, got ${cause.message}`, {
    hint: 'Look at qemu.log in the folder of the machine.',
    cause,
  })
}
