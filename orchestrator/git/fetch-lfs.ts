import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../config/errors.ts'
import type { CloneAccess } from './clone-access.ts'
import { gitFailure } from './git-failure.ts'
import type { GitParts } from './git-parts.ts'
import { runGit } from './run-git.ts'

/** git-lfs writes files in place of their pointers only where it is told that it is installed. */
const filter: readonly (readonly [string, string])[] = [
  ['filter.lfs.clean', 'git-lfs clean -- %f'],
  ['filter.lfs.smudge', 'git-lfs smudge -- %f'],
  ['filter.lfs.process', 'git-lfs filter-process'],
  ['filter.lfs.required', 'true'],
]

/**
 * Puts the files that git-lfs keeps in place of their pointers. They come from the clone URL's own server, whatever
 * the commit's `.lfsconfig` says; the cache in `.git/lfs` goes, for it would be uploaded a second time.
 * @throws ConfigError where git-lfs is missing or the clone URL is neither https nor http
 */
export async function fetchLfs(order: {
  parts: GitParts
  tree: string
  access: CloneAccess
  doing: string
  signal: AbortSignal
}): Promise<void> {
  const { parts, tree, access, doing, signal } = order
  const { transport, url } = access.clone
  if (transport !== 'https' && transport !== 'http') {
    throw new ConfigError(`${doing}: expected an https clone URL for files of git-lfs, got ${transport}`, {
      hint: 'Register the repository by https, or without lfs.',
    })
  }
  const call = { folder: tree, doing: `${doing}, git-lfs`, signal, ms: parts.limits.ms }
  const present = await runGit({ ...call, args: ['lfs', 'version'] })
  if (!present.ok) {
    throw new ConfigError(`${doing}: expected the program git-lfs on this host, got none`, {
      hint: 'Install it: sudo apt-get install -y git-lfs; or register the repository without lfs.',
    })
  }
  const endpoint = `${url.replace(/\/+$/, '').replace(/(?:\.git)?$/, '.git')}/info/lfs`
  // The repository's own token is for the clone URL; with or without .git at its end, this is the same place.
  const headers = access.config.map(([, value]) => [`http.${endpoint}.extraHeader`, value] as const)
  const pulled = await runGit({
    ...call,
    args: ['lfs', 'pull'],
    access: { transports: [transport], config: [...filter, ...headers, ['lfs.url', endpoint]] },
  })
  if (!pulled.ok) {
    throw gitFailure({ doing: call.doing, stderr: pulled.stderr, secrets: access.secrets })
  }
  await rm(join(tree, '.git', 'lfs'), { recursive: true, force: true })
}
