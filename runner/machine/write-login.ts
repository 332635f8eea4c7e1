import { join } from 'node:path'
import type { SshLogin } from '../ssh/connect-ssh.ts'
import { knownHostsName, loginKeyName } from './filenames.ts'
import type { WrittenLogin } from './machine.ts'
import { writeOwnFile } from './write-own-file.ts'

type WriteLogin = {
  /** The machine's run folder, which is its owner's alone and gone with the machine. */
  readonly folder: string
  readonly login: SshLogin
  /** On 127.0.0.1. */
  readonly port: number
}

/** Writes a machine's key and host key for `ssh`; OpenSSH refuses a key that others could read. */
export async function writeLogin({ folder, login, port }: WriteLogin): Promise<WrittenLogin> {
  const keyFile = join(folder, loginKeyName)
  const knownHostsFile = join(folder, knownHostsName)
  await writeOwnFile(keyFile, login.privateKey)
  await writeOwnFile(knownHostsFile, `[127.0.0.1]:${port} ${login.hostKey}\n`)
  return { folder, user: login.user, port, keyFile, knownHostsFile }
}
