import { mkdir, mkdtemp, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { execa } from 'execa'
import { ConfigError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'
import { listWork } from '../../runner/source/list-files.ts'
import { unreadable } from '../../runner/source/read-entries.ts'
import { gitEnvironment, noAccess } from '../git/git-environment.ts'
import { gitFailure } from '../git/git-failure.ts'
import { fastImport, type Orphan } from './fast-import.ts'

export type PackedFolder = {
  /** A git bundle of one commit without parents. */
  readonly file: string
  /** bytes */
  readonly size: number
  /** What was left out and why. */
  readonly notes: readonly string[]
  remove(): Promise<void>
}

type PackFolder = Pick<Orphan, 'ref' | 'title' | 'author' | 'extra' | 'bytes'> & {
  /** Undefined to send `extra` alone. */
  readonly directory: string | undefined
  /** A file of the folder that goes along although `.gitignore` excludes it; relative to the folder. */
  readonly always?: string | undefined
  readonly signal: AbortSignal
}

/**
 * Packs a folder as it is now into a git bundle, in a temporary place: what `mayfly run` would upload, but for `.git`
 * and for folders without a file. Whether the folder is in a git repository, and what state that is in, is the same.
 * @throws ConfigError for what cannot be read and beyond the bytes; InfraError where git is not there or the disk is
 *   full
 */
export async function packFolder(order: PackFolder): Promise<PackedFolder> {
  const { signal, bytes } = order
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-submit-'))
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 })
  try {
    const repository = join(folder, 'repository.git')
    await mkdir(repository)
    const { directory, paths, notes } = await list(order, repository)
    const git = gitIn(repository, signal)
    await git(['init', '--quiet', '--bare', '--template='])
    const onNote = (note: string) => void notes.push(note)
    const commit = fastImport({ ...order, directory, paths, onNote, at: new Date() })
    await git(['fast-import', '--quiet', '--big-file-threshold=16m'], commit)
    const file = join(folder, 'submission.bundle')
    await git(['bundle', 'create', '--quiet', file, order.ref])
    const { size } = await stat(file)
    if (size > bytes) throw tooLargePacked(size, bytes)
    return { file, size, notes, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function list({ directory, always, extra, signal }: PackFolder, nowhere: string) {
  if (directory === undefined) return { directory: nowhere, paths: [], notes: [] }
  const real = await realpath(directory).catch((error: unknown) => {
    throw unreadable(directory, error)
  })
  const { paths, notes } = await listWork(real, signal)
  const isGit = (path: string) => /(?:^|\/)\.git(?:\/|$)/i.test(path)
  const wanted = new Set(paths.filter((path) => !isGit(path)))
  if (always !== undefined) wanted.add(always)
  if (extra !== undefined && wanted.has(extra.path)) throw taken(extra.path)
  return { directory: real, paths: [...wanted].sort(), notes }
}

function taken(path: string): ConfigError {
  return new ConfigError(
    `expected no ${path} in the folder, for the pipeline file outside of it goes there; found one`,
    { hint: 'rename one of the two, or put the pipeline file into the folder' },
  )
}

/** Git without any configuration, hook or template of this computer's, as the server runs it. */
function gitIn(folder: string, signal: AbortSignal) {
  return async (args: readonly string[], input?: Readable): Promise<void> => {
    const options = { cwd: folder, env: gitEnvironment(noAccess), extendEnv: false, reject: false } as const
    const stdin = input === undefined ? ('ignore' as const) : ('pipe' as const)
    const call = execa('git', args, { ...options, stdin, cancelSignal: signal, forceKillAfterDelay: 1000 })
    // Where git itself broke off, its own words say more than that the pipe to it is closed.
    const fed = input === undefined || call.stdin === null ? undefined : pipeline(input, call.stdin)
    const fault = await fed?.then(
      () => undefined,
      (error: unknown) => error,
    )
    if (isSourceFault(fault)) call.kill()
    const { failed, stderr, code } = await call
    signal.throwIfAborted()
    if (isSourceFault(fault)) throw fault
    if (code === 'ENOENT') throw noGit()
    if (failed) throw gitFailure({ doing: 'packing the folder', stderr: String(stderr), secrets: [] })
  }
}

/** Whether what was read failed, and not the pipe to git. */
function isSourceFault(fault: unknown): boolean {
  const code = fault instanceof Error && 'code' in fault ? fault.code : undefined
  return fault !== undefined && !['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(code))
}

function noGit(): ConfigError {
  return new ConfigError('expected the program git, which packs what is submitted, got none', {
    hint: 'Install it: sudo apt-get install -y git',
  })
}

function tooLargePacked(size: number, bytes: number): ConfigError {
  return new ConfigError(`expected at most ${formatSize(bytes)} to submit, got ${formatSize(size)}`, {
    hint: 'add what the job does not need to .gitignore',
  })
}
