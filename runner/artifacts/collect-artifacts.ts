import { mkdir } from 'node:fs/promises'
import { InfraError } from '../../config/errors.ts'
import type { RemoteFiles } from '../machine/machine.ts'
import type { Artifact, ArtifactProblem } from './artifact.ts'
import { artifactPattern } from './artifact-pattern.ts'
import { fetchArtifact } from './fetch-artifact.ts'
import type { Match } from './find-matches.ts'
import { describeKind, entryCounter, findMatches } from './find-matches.ts'

export type CollectOptions = {
  readonly files: RemoteFiles
  /** Absolute path in the guest. */
  readonly workdir: string
  readonly artifacts: readonly { readonly path: string; readonly when: 'always' | 'success' | 'failure' }[]
  readonly outcome: 'success' | 'failure'
  /** Absolute path on the host; made where it is absent. */
  readonly destination: string
  /** For all artifacts of the job together; `bytes` as received. */
  readonly limits: { readonly bytes: number; readonly count: number }
  readonly signal: AbortSignal
  readonly onArtifact?: (artifact: Artifact) => void
}

/**
 * Fetches what a job's `artifacts` name, a file that two patterns match once. Nothing is written outside
 * `destination`, whatever the guest says its files are called; a link is followed to a file inside the working
 * directory only, and never to a directory. What was fetched before an error stays.
 * @throws InfraError `collect` when a limit is reached, without the file that went beyond it;
 *   `host-disk-full`; what the machine throws when it is gone; the signal's reason.
 */
export async function collectArtifacts(
  options: CollectOptions,
): Promise<{ artifacts: Artifact[]; problems: ArtifactProblem[] }> {
  const { artifacts: wanted, outcome, limits, destination, signal, onArtifact } = options
  const artifacts: Artifact[] = []
  const problems: ArtifactProblem[] = []
  const onProblem = (problem: ArtifactProblem) => void problems.push(problem)
  const seen = new Set<string>()
  const onEntry = entryCounter()
  let bytesLeft = limits.bytes
  await mkdir(destination, { recursive: true })

  const take = async (match: Match): Promise<void> => {
    signal.throwIfAborted()
    if (seen.has(match.path)) return
    seen.add(match.path)
    const source = await sourceOf(match, options)
    if ('reason' in source) return onProblem(source)
    if (artifacts.length >= limits.count) throw tooMany(limits.count, match.path)
    const fetched = await fetchArtifact({ ...options, path: match.path, ...source, bytesLeft })
    if ('reason' in fetched) return onProblem(fetched)
    bytesLeft -= fetched.bytes
    artifacts.push(fetched)
    onArtifact?.(fetched)
  }

  for (const { path, when } of wanted) {
    if (when !== 'always' && when !== outcome) continue
    const pattern = artifactPattern(path)
    if (typeof pattern === 'string') {
      onProblem({ kind: 'refused', path, reason: pattern })
      continue
    }
    const before = problems.length
    let found = false
    for await (const match of findMatches({ ...options, pattern, onProblem, onEntry })) {
      found = true
      await take(match)
    }
    if (!found && problems.length === before)
      onProblem({ kind: 'no-match', path, reason: 'nothing matches it' })
  }
  return { artifacts, problems }
}

type Source = { readonly source: string; readonly mode: number }

/** Where the bytes are: the file itself, or what a link to a file inside the working directory leads to. */
async function sourceOf(match: Match, options: CollectOptions): Promise<Source | ArtifactProblem> {
  const { files, workdir, signal } = options
  const { path, entry } = match
  if (entry.kind === 'file') return { source: `${workdir}/${path}`, mode: entry.mode }
  if (entry.kind !== 'link')
    return { kind: 'refused', path, reason: `expected a file, got a ${describeKind(entry)}` }
  try {
    const [target, root] = [
      await files.realpath(`${workdir}/${path}`, signal),
      await files.realpath(workdir, signal),
    ]
    if (!isInside(target, root)) return { kind: 'refused', path, reason: `a link that leaves ${workdir}` }
    const aim = await files.stat(target, signal)
    if (aim?.kind === 'file') return { source: target, mode: aim.mode }
    const got = aim === undefined ? 'nothing' : `a ${describeKind(aim)}`
    return { kind: 'refused', path, reason: `expected a link to a file, got one to ${got}` }
  } catch (error) {
    if (signal.aborted || error instanceof InfraError) throw error
    return { kind: 'unreadable', path, reason: 'a link that leads nowhere' }
  }
}

function isInside(target: string, root: string): boolean {
  const inside = target.startsWith(root.endsWith('/') ? root : `${root}/`)
  return (
    inside &&
    !target.includes('\0') &&
    !target.split('/').some((segment) => segment === '..' || segment === '.')
  )
}

function tooMany(count: number, path: string): InfraError {
  return new InfraError(
    'collect',
    `expected at most ${count} artifacts, got more: ${JSON.stringify(path)} is one too many`,
    {
      hint: 'pack them into one file in the last step, or raise the limit in the host file: limits.artifact_count',
    },
  )
}
