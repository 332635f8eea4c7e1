import type { Client, SFTPWrapper } from 'ssh2'
import { openSftp } from './sftp.ts'

const opened = new WeakMap<Client, Promise<SFTPWrapper>>()

/** The SFTP session of a connection, opened once, for each costs the guest a process, and anew when it ended. */
export function sftpOf(client: Client): Promise<SFTPWrapper> {
  const known = opened.get(client)
  if (known !== undefined) return known
  const opening = openSftp(client)
  opened.set(client, opening)
  const forget = () => opened.delete(client)
  opening.then((sftp) => sftp.once('end', forget)).catch(forget)
  return opening
}
