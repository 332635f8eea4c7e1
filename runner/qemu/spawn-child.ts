import { createWriteStream } from 'node:fs'
import { execa } from 'execa'
import { processIdentity } from '../../images/process-identity.ts'
import { inheritable } from './inheritable.ts'
import type { QemuExit, QemuProcess } from './spawn-qemu.ts'

type SpawnChild = {
  readonly command: readonly string[]
  readonly logFile: string
  readonly inherited: number | undefined
}

/** Starts QEMU as a child of ours; how it ended where it could not be started at all. */
export async function spawnChild({
  command,
  logFile,
  inherited,
}: SpawnChild): Promise<QemuProcess | QemuExit> {
  const [program = '', ...args] = command
  const child = execa(program, args, {
    stdio: ['ignore', 'pipe', 'pipe', ...inheritable(inherited)],
    buffer: false,
    reject: false,
    cleanup: true,
    // Its own group, so that Ctrl-C on the terminal reaches us and not the machine behind our back.
    detached: true,
  })
  let stderr = ''
  const log = createWriteStream(logFile, { mode: 0o600 })
  log.on('error', () => undefined)
  child.stdout?.pipe(log, { end: false })
  child.stderr?.on('data', (chunk: Buffer) => {
    log.write(chunk)
    stderr = (stderr + chunk.toString('utf8')).slice(-4096)
  })
  const exited = child.then((result) => {
    log.end()
    return { code: result.exitCode, signal: result.signal, stderr }
  })
  const identity = child.pid === undefined ? undefined : processIdentity(child.pid)
  if (child.pid === undefined || identity === undefined) return await exited
  return {
    pid: child.pid,
    identity,
    exited,
    kill: (signal) => {
      child.kill(signal)
    },
  }
}
