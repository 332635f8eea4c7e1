import type { Client, ClientChannel } from 'ssh2'
import { insideOf } from './inside.ts'
import { roomToSend } from './room-to-send.ts'

/**
 * Lets a channel take what is piped into it no faster than its connection sends. Without it, a guest that allows 4 GiB
 * and reads nothing would have all that it downloads kept in this process.
 */
export function paceWrites(channel: ClientChannel, client: Client): ClientChannel {
  const link = insideOf(client)
  const write = channel._write.bind(channel)
  channel._write = (chunk, encoding, done) => {
    void roomToSend(link).then(() => write(chunk, encoding, done))
  }
  return channel
}
