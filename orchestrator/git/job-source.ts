import { rm } from 'node:fs/promises'
import type { JobSource } from '../../runner/job/job-order.ts'
import { directorySource } from '../../runner/source/directory-source.ts'
import type { Repository } from '../model/repository.ts'
import { checkRef } from './check-names.ts'
import { checkOut } from './check-out.ts'
import { checkTreeSize, tooLarge } from './check-tree-size.ts'
import { makeCheckout, sweepCheckouts } from './checkouts.ts'
import { cloneAccess } from './clone-access.ts'
import { fetchLfs } from './fetch-lfs.ts'
import { fetchSubmodules } from './fetch-submodules.ts'
import type { GitParts } from './git-parts.ts'
import { inCommit } from './in-commit.ts'
import type { Commit } from './mirror.ts'
import { watchSize } from './watch-size.ts'

type Order = {
  readonly parts: GitParts
  readonly repository: Repository
  readonly commit: Commit
  readonly limits: { readonly bytes: number }
  readonly signal: AbortSignal
}

/** The tree of a job at a fetched commit, on disk until it is released. */
export async function jobSource(order: Order): Promise<JobSource & { release(): Promise<void> }> {
  const { parts, repository, commit, signal } = order
  checkRef(commit.ref)
  const from = inCommit({ parts, repository, sha: commit.sha, signal })
  const bytes = Math.min(order.limits.bytes, parts.limits.bytes)
  await checkTreeSize(from, bytes)
  await sweepCheckouts(parts.dataFolder)
  const { folder, tree } = await makeCheckout(parts.dataFolder)
  const release = () => rm(folder, { recursive: true, force: true, maxRetries: 3 })
  const limit = { folder: tree, limit: bytes, signal, tooLarge: () => tooLarge(from.doing, bytes) }
  const size = watchSize(limit)
  try {
    await checkOut({ from, tree, repository, ref: commit.ref, signal: size.signal })
    const { submodules, lfs } = repository
    if (submodules || lfs) {
      const access = await cloneAccess(repository, parts.vault)
      const more = { parts, tree, access, doing: from.doing, signal: size.signal }
      if (lfs) await fetchLfs(more)
      if (submodules) await fetchSubmodules(more)
    }
    await size.check()
  } catch (error) {
    await release()
    throw error
  } finally {
    size.end()
  }
  return { ...directorySource({ directory: tree, limits: { bytes: order.limits.bytes } }), release }
}
