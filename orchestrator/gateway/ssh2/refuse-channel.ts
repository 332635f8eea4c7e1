import type { Connection } from 'ssh2'
import { insideOf } from '../../../runner/ssh/ssh2/inside.ts'

const administrativelyProhibited = 1

/**
 * Refuses a channel and says why, which OpenSSH's client prints. ssh2's `reject` sends the right channel number with an
 * empty text, so the text is put in on the way.
 */
export function refuseChannel(connection: Connection, reject: () => void, why: string): void {
  const { _protocol: protocol } = insideOf(connection)
  const send = protocol.channelOpenFail
  protocol.channelOpenFail = (channel) => send.call(protocol, channel, administrativelyProhibited, why)
  try {
    reject()
  } finally {
    protocol.channelOpenFail = send
  }
}
