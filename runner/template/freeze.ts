import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { InfraError } from '../../config/errors.ts'
import { isNoRoom } from '../../images/disk-full.ts'
import type { Qmp } from '../qemu/qmp.ts'
import { untilAborted } from '../until-aborted.ts'

type Freeze = {
  readonly qmp: Qmp
  /** `elsewhere`: it lies in a file of its own already; `within`: all of it goes into the state. */
  readonly memory: 'elsewhere' | 'within'
  /** Takes the state to its end. */
  readonly write: (state: Readable) => Promise<void>
  /** A free path for a socket: QEMU may start no program that could write the state for it. */
  readonly socket: string
  readonly signal: AbortSignal
}

const pollMs = 20

/** Time for whoever writes the state to say why that ended. */
const settleMs = 2000

/** bytes a second; QEMU's own bound is for networks */
const noBound = 2 ** 40

/**
 * Stops a guest for good and hands out its state: its devices, and its memory where that lies nowhere else.
 *
 * @throws {InfraError} of class `boot` when QEMU could not; the error of `write` where that found no room, whatever QEMU
 * says; the signal's reason on abort
 */
export async function freeze({ qmp, memory, write, socket, signal }: Freeze): Promise<void> {
  await qmp.execute('stop', undefined, { signal })
  await leaveOutShared(qmp, memory === 'elsewhere', signal)
  await qmp.execute('migrate-set-parameters', { 'max-bandwidth': noBound }, { signal })
  const server = createServer({ pauseOnConnect: true })
  try {
    server.listen(socket)
    await once(server, 'listening')
    // QEMU may be another user; the folder around it lets nobody else in.
    await chmod(socket, 0o666)
    const written = connected(server).then(write)
    const noRoom = written.then(
      () => undefined,
      (error) => (isNoRoom(error) ? error : undefined),
    )
    await qmp.execute('migrate', { uri: `unix:${socket}` }, { signal })
    await migrated(qmp, signal).catch(async (error) => {
      // All that QEMU sees of a full disk is a socket that closes.
      throw (await Promise.race([noRoom, sleep(settleMs, undefined, { ref: false })])) ?? error
    })
    await untilAborted(written, signal)
  } finally {
    server.close()
  }
}

/** Whether memory that QEMU shares with a file stays out of the state. */
export async function leaveOutShared(qmp: Qmp, state: boolean, signal: AbortSignal): Promise<void> {
  const capabilities = [{ capability: 'x-ignore-shared', state }]
  await qmp.execute('migrate-set-capabilities', { capabilities }, { signal })
}

async function connected(server: Server): Promise<Socket> {
  const [socket] = (await once(server, 'connection')) as [Socket]
  return socket
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
