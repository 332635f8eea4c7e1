import { rm } from 'node:fs/promises'
import { decodeTime } from 'ulid'
import { withLock } from '../../images/lock.ts'
import { commitRef, mirrorFolder, mirrorLock } from '../git/filenames.ts'
import type { GitParts } from '../git/git-parts.ts'
import { runGit } from '../git/run-git.ts'
import type { BuildState } from '../model/build.ts'
import { type Repository, repositoryKey } from '../model/repository.ts'
import type { Store } from '../model/store.ts'
import { submissionRefs } from './filenames.ts'

/** Submissions of one local repository: beyond `most`, only the newest `left` stay; none beyond `ageMs`. */
export const retention = { most: 50, left: 40, ageMs: 14 * 24 * 3600_000 } as const

export type Retention = { readonly most: number; readonly left: number; readonly ageMs: number }

type Prune = {
  readonly parts: GitParts
  readonly store: Pick<Store, 'builds'>
  readonly repository: Repository
  readonly keep: Retention
  readonly now: () => Date
  readonly signal: AbortSignal
}

/**
 * Removes old submissions of a repository, but never one whose build has not ended; a mirror that keeps none is
 * removed whole. To be called with the lock of its submissions. Gives the number removed.
 */
export async function pruneSubmissions({
  parts,
  store,
  repository,
  keep,
  now,
  signal,
}: Prune): Promise<number> {
  const key = repositoryKey(repository)
  const folder = mirrorFolder(parts.dataFolder, key)
  const call = { folder, doing: `pruning ${key}`, signal, ms: parts.limits.ms }
  const submitted = await listRefs(call)
  const oldest = now().getTime() - keep.ageMs
  const room = submitted.length > keep.most ? keep.left : keep.most
  const old = submitted.filter(({ name }, index) => index >= room || timeOf(name) < oldest)
  if (old.length === 0) return 0
  const needed = await liveCommits(store, key)
  const gone = old.filter(({ sha }) => !needed.has(sha))
  const kept = new Set(submitted.filter((ref) => !gone.includes(ref)).map(({ sha }) => sha))
  if (gone.length === 0) return 0
  await withLock({ path: mirrorLock(parts.dataFolder, key), signal }, async () => {
    if (kept.size === 0) return await rm(folder, { recursive: true, force: true })
    const commits = new Set(gone.filter(({ sha }) => !kept.has(sha)).map(({ sha }) => commitRef(sha)))
    for (const name of [...gone.map((ref) => ref.name), ...commits])
      await runGit({ ...call, args: ['update-ref', '-d', name] })
    await runGit({ ...call, args: ['gc', '--quiet', '--prune=now'] })
  })
  return gone.length
}

type Ref = { readonly name: string; readonly sha: string }

/** The newest submission first; a mirror that is not there has none. */
async function listRefs(call: Omit<Parameters<typeof runGit>[0], 'args'>): Promise<Ref[]> {
  const args = ['for-each-ref', '--sort=-refname', '--format=%(objectname) %(refname)', submissionRefs]
  const { ok, stdout } = await runGit({ ...call, args }).catch(() => ({ ok: false, stdout: Buffer.of() }))
  if (!ok) return []
  const lines = stdout.toString('utf8').split('\n').filter(Boolean)
  return lines.map((line) => ({
    sha: line.slice(0, line.indexOf(' ')),
    name: line.slice(line.indexOf(' ') + 1),
  }))
}

function timeOf(name: string): number {
  return decodeTime(name.slice(submissionRefs.length + 1).toUpperCase())
}

const live: readonly BuildState[] = ['waiting', 'queued', 'running']

/** As many as a repository may have waiting; those that run began before the newest that wait. */
const page = { limit: 1000, cursor: undefined }

async function liveCommits(store: Prune['store'], repository: string): Promise<Set<string>> {
  const found = await Promise.all(live.map((state) => store.builds.list({ repository, state }, page)))
  return new Set(found.flatMap(({ items }) => items.map(({ trigger }) => trigger.sha)))
}
