import type { Client, SFTPWrapper } from 'ssh2'
import { openSftp } from './sftp.ts'

const opened = new WeakMap<Client, Promise<SFTPWrapper>>()

/** The SFTP session of a connection, opened once: each costs the guest a process. */
export function sftpOf(client: Client): Promise<SFTPWrapper> {
  const known = opened.get(client)
  if (known !== undefined) return known
  const opening = openSftp(client)
  opened.set(client, opening)
  return opening
}
