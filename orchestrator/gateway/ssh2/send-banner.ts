import type { Connection } from 'ssh2'
import { sshStrings } from '../../../runner/keys/ssh-wire.ts'
import { insideOf } from '../../../runner/ssh/ssh2/inside.ts'
import { sendPayload } from './send-payload.ts'

const userauthBanner = 53

/**
 * Shows a text to the user of a client that is not logged in yet. ssh2 has one banner for all, sent before it knows the
 * user name; RFC 4252 section 5.4 allows it at any time until the login, and OpenSSH's client prints it at once.
 */
export function sendBanner(connection: Connection, text: string): void {
  sendPayload(
    insideOf(connection),
    Buffer.concat([Buffer.from([userauthBanner]), sshStrings(`${text}\r\n`, '')]),
  )
}
