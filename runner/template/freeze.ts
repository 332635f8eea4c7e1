import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { InfraError } from '../../config/errors.ts'
import { isDiskFull } from '../../images/disk-full.ts'
import type { Qmp } from '../qemu/qmp.ts'
import { untilAborted } from '../until-aborted.ts'

type Freeze = {
  readonly qmp: Qmp
  /** Where the state goes. */
  readonly state: string
  /** A free path for a socket: QEMU may start no program that could write the file for it. */
  readonly socket: string
  readonly signal: AbortSignal
}

const pollMs = 20

/**
 * Stops a guest for good and writes the state of its devices; its memory is in its file already.
 *
 * @throws {InfraError} of class `boot` when QEMU could not; the system's error where the state found no room, whatever
 * QEMU says; the signal's reason on abort
 */
export async function freeze({ qmp, state, socket, signal }: Freeze): Promise<void> {
  await qmp.execute('stop', undefined, { signal })
  await shareMemory(qmp, signal)
  const server = createServer({ pauseOnConnect: true })
  try {
    server.listen(socket)
    await once(server, 'listening')
    const received = receive(server, state)
    // Heard of before QEMU can fail of it: all that QEMU sees is a socket that closes.
    const full: unknown[] = []
    received.catch((error) => isDiskFull(error) && full.push(error))
    await qmp.execute('migrate', { uri: `unix:${socket}` }, { signal })
    await migrated(qmp, signal).catch((error) => {
      throw full[0] ?? error
    })
    await untilAborted(received, signal)
  } finally {
    server.close()
  }
}

/** Leaves what is in the memory file out of the state. */
export async function shareMemory(qmp: Qmp, signal: AbortSignal): Promise<void> {
  const capabilities = [{ capability: 'x-ignore-shared', state: true }]
  await qmp.execute('migrate-set-capabilities', { capabilities }, { signal })
}

async function receive(server: Server, state: string): Promise<void> {
  const [socket] = (await once(server, 'connection')) as [Socket]
  await pipeline(socket, createWriteStream(state, { mode: 0o600, flags: 'wx' }))
}

async function migrated(qmp: Qmp, signal: AbortSignal): Promise<void> {
  for (;;) {
    const answer = await qmp.execute('query-migrate', undefined, { signal })
    const { status, 'error-desc': why } = answer as { status?: string; 'error-desc'?: string }
    if (status === 'completed') return
    if (status === 'failed' || status === 'cancelled') {
      throw new InfraError('boot', `QEMU could not freeze the machine: ${why ?? status}`)
    }
    await sleep(pollMs)
  }
}
