import { execa } from 'execa'
import { ConfigError, InfraError } from '../../config/errors.ts'
import { timeLimit } from '../../runner/time-limit.ts'
import { type GitAccess, gitEnvironment, noAccess } from './git-environment.ts'

export type GitCall = {
  readonly args: readonly string[]
  /** Where it runs; this folder alone is looked at for a repository. */
  readonly folder: string
  /** What the call does, for messages: `fetching github:owner/name`. */
  readonly doing: string
  /** @defaultValue no way out at all */
  readonly access?: GitAccess | undefined
  readonly signal: AbortSignal
  /** Milliseconds after which it is ended. */
  readonly ms: number
  /** Bytes of output that are kept; more is an error. @defaultValue 16 MiB */
  readonly outputBytes?: number
  /** Gets the output instead of it being kept; ends the call by throwing. */
  readonly onOutput?: (chunk: Buffer) => void
}

export type GitResult = { readonly ok: boolean; readonly stdout: Buffer; readonly stderr: string }

/** Time for git to remove its own locks and part files before it is killed. ms */
const patience = 2000
const errorBytes = 64 * 1024

/**
 * Runs git in an environment of our own making, bounded in time and output. That git said no is a value.
 * @throws InfraError where git is absent or the time is over; else the reason of the aborted signal
 */
export async function runGit(call: GitCall): Promise<GitResult> {
  const { args, folder, doing, access = noAccess, onOutput, outputBytes = 16 * 1024 ** 2 } = call
  call.signal.throwIfAborted()
  const limit = timeLimit(call.signal, call.ms)
  const stopped = new AbortController()
  // Git's helpers (git-remote-https, index-pack, ssh) are in its process group, and end with it.
  const child = execa('setpriv', ['--pdeathsig', 'TERM', 'git', ...args], {
    cwd: folder,
    env: { ...gitEnvironment(access), GIT_CEILING_DIRECTORIES: parentOf(folder) },
    extendEnv: false,
    detached: true,
    stdin: 'ignore',
    reject: false,
    buffer: false,
    encoding: 'buffer',
  })
  const stdout = keep(outputBytes, onOutput, (reason) => stopped.abort(reason))
  const stderr = keep(errorBytes, undefined, () => undefined)
  child.stdout.on('data', stdout.take)
  child.stderr.on('data', stderr.take)
  const ending = AbortSignal.any([limit.signal, stopped.signal])
  const end = () => endGroup(child.pid, child)
  ending.addEventListener('abort', end, { once: true })
  try {
    const result = await child
    if (ending.aborted) {
      if (limit.isOver() && !call.signal.aborted) throw tooSlow(doing, call.ms)
      throw ending.reason
    }
    if (result.code === 'ENOENT' || result.exitCode === 127) throw noGit(stderr.text().toString('utf8'))
    return { ok: !result.failed, stdout: stdout.text(), stderr: stderr.text().toString('utf8') }
  } finally {
    ending.removeEventListener('abort', end)
    limit.clear()
  }
}

/** Keeps the first bytes of a stream, or hands them on; what goes wrong with that is told. */
function keep(most: number, onOutput: GitCall['onOutput'], onTrouble: (reason: unknown) => void) {
  const kept: Buffer[] = []
  let length = 0
  const add = (chunk: Buffer): void => {
    const room = most - length
    length += chunk.length
    if (room > 0) kept.push(chunk.subarray(0, room))
    if (length > most) onTrouble(new ConfigError(`expected at most ${most} bytes from git, got more`))
  }
  const take = (chunk: Buffer): void => {
    try {
      const next = onOutput ?? add
      next(chunk)
    } catch (error) {
      onTrouble(error)
    }
  }
  return { take, text: () => Buffer.concat(kept) }
}

function endGroup(pid: number | undefined, child: PromiseLike<unknown>): void {
  if (pid === undefined) return
  signalGroup(pid, 'SIGTERM')
  const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), patience)
  const clear = () => {
    clearTimeout(timer)
    // Git is gone; a helper of its that did not hear is not.
    signalGroup(pid, 'SIGKILL')
  }
  child.then(clear, clear)
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // Nobody is left in it.
  }
}

const parentOf = (folder: string) => folder.slice(0, folder.lastIndexOf('/')) || '/'

function tooSlow(doing: string, ms: number): InfraError {
  return new InfraError('upload', `${doing}: expected an end within ${ms / 1000} s, got none`, {
    hint: 'The server hangs, or the repository is larger than the time allows; try again, or look at the server.',
  })
}

function noGit(words: string): InfraError {
  const what = words.includes('setpriv') && words.includes('git') ? 'git' : 'setpriv and git'
  return new InfraError('upload', `expected the programs git and setpriv on this host, got no ${what}`, {
    hint: 'Install them: sudo apt-get install -y git util-linux',
  })
}
