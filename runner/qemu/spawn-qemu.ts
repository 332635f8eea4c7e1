import { createReadStream, createWriteStream } from 'node:fs'
import { execa } from 'execa'
import { InfraError } from '../../config/errors.ts'
import { type ProcessIdentity, processIdentity } from '../../images/process-identity.ts'

export type QemuProcess = {
  readonly pid: number
  readonly identity: ProcessIdentity
  /** Settles once, with what is known of the end; never rejects. */
  readonly exited: Promise<QemuExit>
  kill(signal: 'SIGTERM' | 'SIGKILL'): void
}

export type QemuExit = {
  readonly code: number | undefined
  readonly signal: string | undefined
  /** The last 4 KiB of standard error. */
  readonly stderr: string
}

type Spawn = {
  binary: string
  args: readonly string[]
  /** bytes QEMU may make any one file grow to */
  fileSize: number
  logFile: string
  /** An open file that QEMU has as descriptor 3. */
  inherited?: number | undefined
}

/**
 * Starts QEMU so that it can't gain privileges, leaves no core dump with a guest's memory in it, and dies with us:
 * a parent's SIGKILL can't be caught, so the kernel does it (prctl(2), PR_SET_PDEATHSIG).
 */
export async function spawnQemu({ binary, args, fileSize, logFile, inherited }: Spawn): Promise<QemuProcess> {
  const bounds = ['--core=0', '--nofile=1024', `--fsize=${fileSize}`]
  const confine = ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs']
  const child = execa('prlimit', [...bounds, ...confine, binary, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...(inherited === undefined ? [] : [asStream(inherited)])],
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
  if (child.pid === undefined || identity === undefined) throw await spawnFault(binary, exited)
  return {
    pid: child.pid,
    identity,
    exited,
    kill: (signal) => {
      child.kill(signal)
    },
  }
}

// execa hands a stream with a descriptor on as it is; nothing is read of it on our side.
function asStream(fd: number) {
  return createReadStream('', { fd, autoClose: false })
}

async function spawnFault(binary: string, exited: Promise<QemuExit>): Promise<InfraError> {
  const { stderr } = await exited
  return new InfraError(
    'boot',
    `${binary} could not be started: ${stderr || 'prlimit or setpriv is missing'}`,
    {
      hint: 'mayfly doctor says what is missing on this host',
    },
  )
}
