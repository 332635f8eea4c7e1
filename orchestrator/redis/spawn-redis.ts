import { writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import type { Logger } from 'pino'
import { InfraError } from '../../config/errors.ts'
import { type ProcessIdentity, processIdentity } from '../../images/process-identity.ts'
import { redisConfig } from './redis-config.ts'

export type RedisProcess = {
  readonly identity: ProcessIdentity
  /** Settles once with how it ended and its last words; never rejects. */
  readonly exited: Promise<string>
  kill(signal: 'SIGTERM' | 'SIGKILL'): void
}

type Spawn = { program: string; folder: string; config: string; socket: string; log: Logger }

/** Starts a Redis that dies with us, as QEMU does: two on one data folder must never be. */
export async function spawnRedis({ program, folder, config, socket, log }: Spawn): Promise<RedisProcess> {
  await writeFile(config, redisConfig({ folder, socket }), { mode: 0o600 })
  const confine = ['--core=0', 'setpriv', '--pdeathsig', 'KILL', '--no-new-privs']
  const child = execa('prlimit', [...confine, program, config], {
    cwd: folder,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    cleanup: true,
    // Its own group, so that Ctrl-C on the terminal reaches us and we end it after our own last writes.
    detached: true,
  })
  let words = ''
  const listen = (chunk: Buffer) => {
    const text = chunk.toString('utf8')
    words = (words + text).slice(-2048)
    for (const line of text.trimEnd().split('\n')) log.debug({ redis: line }, 'redis-server says')
  }
  child.stdout?.on('data', listen)
  child.stderr?.on('data', listen)
  const exited = child.then(
    ({ exitCode, signal }) => `${signal ?? `exit ${exitCode ?? 'unknown'}`}; its last words: ${words.trim()}`,
  )
  const identity = child.pid === undefined ? undefined : processIdentity(child.pid)
  if (identity === undefined) {
    throw new InfraError('host-lost', `${program} could not be started: ${await exited}`, {
      hint: 'mayfly doctor says what is missing on this host',
    })
  }
  return {
    identity,
    exited,
    kill: (signal) => {
      child.kill(signal)
    },
  }
}
