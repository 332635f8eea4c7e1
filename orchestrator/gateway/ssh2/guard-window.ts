import type { Channel } from 'ssh2'
import type { Inside } from '../../../runner/ssh/ssh2/inside.ts'

/**
 * bytes. Two streams of 2 MiB may be unread when ssh2 opens a window of 2 MiB once more, so that a peer which keeps to
 * the rules gets to 6 MiB.
 */
const mostUnread = 8 * 1024 * 1024

/**
 * Cuts a client's connection that sends more on a channel than it was allowed to: ssh2 keeps whatever comes. Of
 * machines, `connectSsh` sees to it.
 *
 * @returns ends the watch
 */
export function guardWindow(channel: Channel, { _sock: socket }: Inside): () => void {
  const check = () => {
    const unread =
      channel.readableLength + ('readableLength' in channel.stderr ? channel.stderr.readableLength : 0)
    if (unread > mostUnread) socket.destroy()
  }
  // One for each channel, of which the gateway bounds the number.
  socket.setMaxListeners(0)
  socket.on('data', check)
  return () => socket.off('data', check)
}
