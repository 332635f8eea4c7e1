import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SshLogin } from '../ssh/connect-ssh.ts'
import { knownHostsName, loginKeyName } from './filenames.ts'
import type { WrittenLogin } from './machine.ts'

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
  await writeFile(keyFile, login.privateKey, { mode: 0o600 })
  await writeFile(knownHostsFile, `[127.0.0.1]:${port} ${login.hostKey}\n`, { mode: 0o600 })
  return { folder, user: login.user, port, keyFile, knownHostsFile }
}
