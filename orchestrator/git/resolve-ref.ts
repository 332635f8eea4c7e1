import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Repository, repositoryKey } from '../model/repository.ts'
import { checkRef } from './check-names.ts'
import { cloneAccess } from './clone-access.ts'
import { gitFailure } from './git-failure.ts'
import type { GitParts } from './git-parts.ts'
import { runGit } from './run-git.ts'

/**
 * The commit that a branch or tag is at on the server now, full hex; undefined where there is no such name.
 * `ref` is full: `refs/heads/main`. An annotated tag gives the commit that it is on.
 * @throws ConfigError, InfraError as `Mirror.fetch`
 */
export async function resolveRef(asked: {
  parts: GitParts
  repository: Repository
  ref: string
  signal: AbortSignal
}): Promise<string | undefined> {
  const { parts, repository, ref, signal } = asked
  checkRef(ref)
  const access = await cloneAccess(repository, parts.vault)
  const doing = `asking for ${ref} of ${repositoryKey(repository)}`
  // Any folder that is no repository, so that git finds no configuration in it.
  const folder = join(parts.dataFolder, 'mirrors')
  await mkdir(folder, { recursive: true })
  const args = ['ls-remote', '--quiet', '--end-of-options', access.clone.url, ref, `${ref}^{}`]
  const { ok, stdout, stderr } = await runGit({ args, folder, doing, access, signal, ms: parts.limits.ms })
  if (!ok) throw gitFailure({ doing, stderr, secrets: access.secrets })
  const found = new Map(
    stdout
      .toString('utf8')
      .split('\n')
      .map((line) => line.split('\t'))
      .map(([sha = '', name = '']) => [name, sha] as const),
  )
  return found.get(`${ref}^{}`) ?? found.get(ref)
}
