import type { Connection } from 'ssh2'
import { sshStrings, uint32 } from '../../../runner/keys/ssh-wire.ts'
import { insideOf } from '../../../runner/ssh/ssh2/inside.ts'
import { sendPayload } from './send-payload.ts'

const disconnectMessage = 1
const byApplication = 11
/** ms that what is still to be sent gets */
const lingerMs = 2_000

/** Ends a connection with a reason that OpenSSH's client prints; ssh2 can only end without one. */
export function disconnect(connection: Connection, why: string): void {
  const inside = insideOf(connection)
  const { _sock: socket } = inside
  if (socket.destroyed) return
  sendPayload(
    inside,
    Buffer.concat([Buffer.from([disconnectMessage]), uint32(byApplication), sshStrings(why, '')]),
  )
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
  socket.end()
}
