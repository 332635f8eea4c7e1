import { ConfigError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'
import { withLock } from '../../images/lock.ts'
import { type Repository, repositoryKey } from '../model/repository.ts'
import { checkRef, checkSha } from './check-names.ts'
import { type CloneAccess, cloneAccess } from './clone-access.ts'
import { commitRef, fetchedRef, mirrorFolder, mirrorLock } from './filenames.ts'
import { gitFailure, saysMissing } from './git-failure.ts'
import type { GitParts } from './git-parts.ts'
import { hasCommit, type InMirror, makeMirror, removeLeftovers, shrinkMirror } from './mirror-folder.ts'
import { notKept } from './not-kept.ts'
import { type GitResult, runGit } from './run-git.ts'
import { tidyMirror } from './tidy-mirror.ts'
import { watchSize } from './watch-size.ts'

/**
 * Brings a commit, with its whole history, into the mirror of its repository: by its id, or where the server gives
 * none by id, by the name that holds it. One at a time for a repository, on the whole host.
 */
export async function fetchCommit(order: {
  parts: GitParts
  repository: Repository
  /** Without a name, the server has to give it by its id. */
  commit: { sha: string; ref: string | undefined }
  signal: AbortSignal
}): Promise<void> {
  const { parts, repository, commit, signal } = order
  checkSha(commit.sha)
  if (commit.ref !== undefined) checkRef(commit.ref)
  const key = repositoryKey(repository)
  const at = { parts, folder: mirrorFolder(parts.dataFolder, key), sha: commit.sha, signal }
  if (await hasCommit(at)) return
  if (repository.forge === 'local') return await bringSubmitted(key, at)
  const access = await cloneAccess(repository, parts.vault)
  await withLock({ path: mirrorLock(parts.dataFolder, key), signal }, async () => {
    if (await hasCommit(at)) return
    await makeMirror(at)
    await removeLeftovers(at.folder)
    await fetchBounded({ ...at, ref: commit.ref, access, doing: `fetching ${key}` })
    await tidyMirror(at)
  })
}

async function bringSubmitted(key: string, at: InMirror): Promise<void> {
  if (at.parts.bringSubmitted === undefined) throw notKept(at.sha)
  await at.parts.bringSubmitted(key, at)
}

type Fetch = {
  readonly parts: GitParts
  readonly folder: string
  readonly sha: string
  readonly ref: string | undefined
  readonly access: CloneAccess
  readonly doing: string
  readonly signal: AbortSignal
}

async function fetchBounded(fetch: Fetch): Promise<void> {
  const { folder, parts, doing } = fetch
  const limit = parts.limits.bytes
  const tooLarge = new ConfigError(
    `${doing}: expected at most ${formatSize(limit)} in its mirror, got more`,
    {
      hint: 'Make the repository smaller, or raise limits.repository_bytes in the host file.',
    },
  )
  const size = watchSize({ folder, limit, signal: fetch.signal, tooLarge: () => tooLarge })
  try {
    await fetchByAnyWay({ ...fetch, signal: size.signal })
    await size.check()
  } catch (error) {
    await removeLeftovers(folder)
    if (error === tooLarge) await shrinkMirror(fetch)
    throw error
  } finally {
    size.end()
  }
}

async function fetchByAnyWay(fetch: Fetch): Promise<void> {
  const { sha, ref, doing, access } = fetch
  const byId = await fetchRef(fetch, `${sha}:${commitRef(sha)}`)
  // Not by how git ended: a tag that clashes with an older one makes it complain after it has what we asked for.
  if (await hasCommit(fetch)) return
  if (!byId.ok && !saysMissing(byId.stderr)) {
    throw gitFailure({ doing, stderr: byId.stderr, secrets: access.secrets })
  }
  if (ref === undefined) throw gone(fetch, false)
  const byName = await fetchRef(fetch, `+${ref}:${fetchedRef}`)
  if (!byName.ok && !saysMissing(byName.stderr)) {
    throw gitFailure({ doing, stderr: byName.stderr, secrets: access.secrets })
  }
  const found = byName.ok && (await nameFetched(fetch))
  if (!found) throw gone(fetch, byName.ok)
}

/** Tags on what is fetched come along, for `git describe`. */
async function fetchRef(fetch: Fetch, refspec: string): Promise<GitResult> {
  const { parts, folder, access, doing, signal } = fetch
  const flags = ['--quiet', '--no-write-fetch-head', '--no-auto-maintenance', '--end-of-options']
  const args = ['fetch', ...flags, access.clone.url, refspec]
  return await runGit({ args, folder, doing, access, signal, ms: parts.limits.ms })
}

/** Gives the commit its name if what was fetched leads to it. */
async function nameFetched({ parts, folder, sha, doing, signal }: Fetch): Promise<boolean> {
  const call = { folder, doing, signal, ms: parts.limits.ms }
  const within = ['merge-base', '--is-ancestor', '--end-of-options', sha, fetchedRef]
  if (!(await runGit({ ...call, args: within })).ok) return false
  return (await runGit({ ...call, args: ['update-ref', commitRef(sha), sha] })).ok
}

function gone({ doing, sha, ref }: Fetch, hasRef: boolean): ConfigError {
  const without = ref === undefined ? 'none of this id' : `neither it nor ${ref}`
  const found = hasRef ? `${ref} without it` : without
  return new ConfigError(`${doing}: expected commit ${sha.slice(0, 12)} on the server, got ${found}`, {
    hint: 'It was force-pushed away or its branch deleted: push again, or start a build of a commit that is there.',
  })
}
