import type { Writable } from 'node:stream'
import type { Channel } from 'ssh2'
import type { Inside } from '../../../runner/ssh/ssh2/inside.ts'
import { roomToSend } from '../../../runner/ssh/ssh2/room-to-send.ts'

type WriteInTurn = {
  channel: Channel
  link: Inside
  /** Aborted when nobody will ever take what is written. */
  gone: AbortSignal
}

/** Resolves when the chunk is on its way, or will never be; never rejects. */
export type Write = (chunk: Buffer | string, stream?: Writable) => Promise<void>

/**
 * Writes to a channel and to its stderr one after the other, no faster than the other end reads. ssh2 resumes but one
 * of two stalled streams of a channel, and remembers a chunk that it has sent: a later stall of stderr would send that
 * chunk again.
 */
export function writeInTurn({ channel, link, gone }: WriteInTurn): Write {
  let turn = Promise.resolve()
  let over = gone.aborted
  let release = () => {}
  const stop = () => {
    over = true
    release()
  }
  gone.addEventListener('abort', stop, { once: true })
  channel.once('close', stop)
  // A write that comes too late is an 'error', which would end the process if nobody listened.
  channel.on('error', stop)
  channel.stderr.on('error', stop)

  const writeNow = async (chunk: Buffer | string, stream: Writable) => {
    if (!over) await roomToSend(link)
    if (over) return
    await new Promise<void>((resolve) => {
      release = resolve
      stream.write(chunk, () => resolve())
    })
    if (!over) forgetChunks(channel)
  }
  return (chunk, stream = channel) => {
    turn = turn.then(() => writeNow(chunk, stream))
    return turn
  }
}

function forgetChunks(channel: Channel): void {
  Object.assign(channel, {
    _chunk: undefined,
    _chunkcb: undefined,
    _chunkErr: undefined,
    _chunkcbErr: undefined,
  })
}
