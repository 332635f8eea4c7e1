import { InfraError } from '../../config/errors.ts'
import type { RemoteEntry, RemoteFiles } from '../machine/machine.ts'
import type { ArtifactProblem } from './artifact.ts'
import type { ArtifactPattern } from './artifact-pattern.ts'
import { refuseRemoteName } from './remote-name.ts'

export type Match = { readonly path: string; readonly entry: RemoteEntry }

export type WalkOptions = {
  readonly files: RemoteFiles
  readonly workdir: string
  readonly pattern: ArtifactPattern
  readonly signal: AbortSignal
  readonly onProblem: (problem: ArtifactProblem) => void
  /** Called for each entry seen; throws when there are too many. */
  readonly onEntry: () => void
}

const mostEntries = 100_000

/** Paths relative to the working directory, in the order of their names; directories that are links not entered. */
export async function* findMatches(options: WalkOptions): AsyncGenerator<Match> {
  const { pattern, onProblem } = options
  const base = await statBase(options)
  if (base === undefined) return
  const path = pattern.base.join('/')
  if (base.kind === 'directory') yield* walk(options, path, 0)
  else if (pattern.plain) yield { path, entry: base }
  else onProblem({ kind: 'refused', path, reason: `expected a directory, got a ${describeKind(base)}` })
}

/** One counter for all patterns of a job: a guest must not keep us listing for ever. */
export function entryCounter(): () => void {
  let seen = 0
  return () => {
    seen++
    if (seen <= mostEntries) return
    throw new InfraError(
      'collect',
      `expected at most ${mostEntries} files to look through for artifacts, got more`,
      {
        hint: 'name the folder that the artifacts are in, such as build/**/*.xml',
      },
    )
  }
}

export function describeKind(entry: RemoteEntry): string {
  return entry.kind === 'other' ? 'device, pipe or socket' : entry.kind
}

/** Each segment on its own, so that no link on the way leads elsewhere. */
async function statBase({
  files,
  workdir,
  pattern,
  signal,
  onProblem,
}: WalkOptions): Promise<RemoteEntry | undefined> {
  let path = ''
  let entry: RemoteEntry = { name: '', kind: 'directory', size: 0, mode: 0o755 }
  for (const [index, segment] of pattern.base.entries()) {
    path = path === '' ? segment : `${path}/${segment}`
    const next = await files.stat(`${workdir}/${path}`, signal)
    if (next === undefined) return undefined
    const last = index === pattern.base.length - 1
    if (next.kind === 'link' && !(last && pattern.plain)) {
      onProblem({ kind: 'refused', path, reason: 'a link in place of a directory is not followed' })
      return undefined
    }
    entry = next
  }
  return entry
}

async function* walk(options: WalkOptions, directory: string, level: number): AsyncGenerator<Match> {
  const { pattern, onProblem, onEntry } = options
  for (const entry of await list(options, directory)) {
    onEntry()
    const refusal = refuseRemoteName(entry.name)
    if (refusal !== undefined) {
      const isDots = entry.name === '.' || entry.name === '..'
      if (!isDots) onProblem({ kind: 'refused', path: `${directory}/${entry.name}`, reason: refusal })
      continue
    }
    const path = directory === '' ? entry.name : `${directory}/${entry.name}`
    if (entry.kind !== 'directory') {
      if (pattern.matches(path)) yield { path, entry }
    } else if (level < pattern.depth) {
      yield* walk(options, path, level + 1)
    }
  }
}

/** A directory that cannot be read is a problem of its own, not the end of the others. */
async function list(options: WalkOptions, directory: string): Promise<RemoteEntry[]> {
  const { files, workdir, signal, onProblem } = options
  try {
    const entries = await files.list(directory === '' ? workdir : `${workdir}/${directory}`, signal)
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (signal.aborted || error instanceof InfraError) throw error
    onProblem({
      kind: 'unreadable',
      path: directory,
      reason: error instanceof Error ? error.message : String(error),
    })
    return []
  }
}
