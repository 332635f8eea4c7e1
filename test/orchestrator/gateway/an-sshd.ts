import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Client } from 'ssh2'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { connectSsh } from '../../../runner/ssh/connect-ssh.ts'
import { eventually } from '../../eventually.ts'

/** OpenSSH's own server on loopback, in place of a machine's. */
export type RealSshd = {
  readonly port: number
  login(signal: AbortSignal): Promise<Client>
  stop(): Promise<void>
}

/**
 * As root it needs its user `sshd` and the folder /run/sshd, which Debian's package and service make; as another user it
 * needs neither, and lets in that user only.
 */
export async function startSshd(): Promise<RealSshd> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-sshd-'))
  const host = makeKeyPair('sshd')
  const user = makeKeyPair('user')
  const [port, child] = await start(folder, host.privateKey, user.publicKey)
  return {
    port,
    login: async (signal) => {
      const socket = connect(port, '127.0.0.1')
      const login = { user: userInfo().username, privateKey: user.privateKey, hostKey: host.publicKey }
      return await connectSsh({ socket, login, signal })
    },
    stop: async () => {
      const exited = once(child, 'exit')
      if (child.exitCode === null && child.kill()) await exited
      await rm(folder, { recursive: true })
    },
  }
}

async function start(folder: string, hostKey: string, userKey: string): Promise<[number, ChildProcess]> {
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  await chmod(folder, 0o700)
  await writeFile(join(folder, 'host-key'), hostKey, { mode: 0o600 })
  await writeFile(join(folder, 'authorized'), `${userKey}\n`, { mode: 0o600 })
  await writeFile(join(folder, 'config'), config(folder, await isRootLocked()))
  // Unlike QEMU it cannot be asked for any free port, so that somebody may be faster.
  for (let tries = 0; ; tries += 1) {
    const port = await freePort()
    const args = [
      '--pdeathsig',
      'TERM',
      '/usr/sbin/sshd',
      '-D',
      '-e',
      '-f',
      join(folder, 'config'),
      '-p',
      `${port}`,
    ]
    const child = spawn('setpriv', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (text) => {
      said += text
    })
    const state = await eventually('sshd listens or ends', async () =>
      said.includes('Server listening') ? 'listens' : child.exitCode !== null ? 'ended' : undefined,
    )
    if (state === 'listens') return [port, child]
    if (tries === 5) throw new Error(`expected sshd to listen, got: ${said}`)
  }
}

/** Without PAM, sshd lets nobody into an account whose password is locked with `!`, not even with a key. */
async function isRootLocked(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false
  return /^root:!/m.test(await readFile('/etc/shadow', 'utf8'))
}

function config(folder: string, usePam: boolean): string {
  return [
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host-key')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized')}`,
    'PidFile none',
    'StrictModes no',
    `UsePAM ${usePam ? 'yes' : 'no'}`,
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
    'MaxSessions 100',
    'AcceptEnv LANG TERM SECRET',
    // Shells begin without the files of whoever runs the tests: those may be slow, and leave locks behind when killed.
    `SetEnv HOME=${folder}`,
    'PrintMotd no',
    // What whoever runs the tests has in .bashrc is not started, nor ended in the middle, by shells that are tested.
    `SetEnv HOME=${folder}`,
    'Subsystem sftp /usr/lib/openssh/sftp-server',
    '',
  ].join('\n')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return address.port
}
