import type { ServerChannel } from 'ssh2'
import type { Inside } from '../../runner/ssh/ssh2/inside.ts'
import type { MachineChannel } from './open-in-machine.ts'
import { pump } from './pump.ts'
import { guardWindow } from './ssh2/guard-window.ts'
import type { Exit } from './ssh2/send-exit.ts'
import { type Write, writeInTurn } from './ssh2/write-in-turn.ts'

type Bridge = {
  readonly client: { readonly channel: ServerChannel; readonly link: Inside; readonly write: Write }
  readonly machine: MachineChannel & { readonly link: Inside }
  /** Aborted when the client has left the channel, or the session has ended. */
  readonly gone: AbortSignal
  readonly onToMachine: (bytes: number) => void
  /** Awaited before the next chunk is read. */
  readonly onFromMachine: (chunk: Buffer, stream: 'stdout' | 'stderr') => void | Promise<void>
}

/**
 * Joins a client's channel with one of the machine's, byte for byte, ends and errors apart, each direction as fast as
 * its reader. Resolves when the machine has closed its channel and all its output is written, with how it ended; the
 * client's channel is still open then.
 */
export async function bridge({ client, machine, gone, ...on }: Bridge): Promise<Exit> {
  const unguard = guardWindow(client.channel, client.link)
  const toMachine = writeInTurn({ ...machine, gone })
  const leave = () => {
    machine.channel.close()
    // Read to its end, for only then does ssh2 say that it is closed.
    client.channel.resume()
  }
  const left = new Promise<void>((resolve) => {
    const go = () => {
      leave()
      resolve()
    }
    if (gone.aborted) go()
    else gone.addEventListener('abort', go, { once: true })
  })
  void machine.exit.then(unguard)

  void pump(client.channel, (chunk) => {
    on.onToMachine(chunk.length)
    return toMachine(chunk)
  }).then(() => machine.channel.end())

  const handOn = (stream: 'stdout' | 'stderr') => async (chunk: Buffer) => {
    await on.onFromMachine(chunk, stream)
    await client.write(chunk, stream === 'stdout' ? client.channel : client.channel.stderr)
  }
  const finish = async () => {
    await Promise.all([
      pump(machine.channel, handOn('stdout')),
      pump(machine.channel.stderr, handOn('stderr')),
    ])
    if (!gone.aborted) client.channel.eof()
    return await machine.exit
  }
  // Whoever has left is not kept by a guest that never closes its end.
  return (await Promise.race([finish(), left])) ?? undefined
}
