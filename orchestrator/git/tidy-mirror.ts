import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { GitParts } from './git-parts.ts'
import { runGit } from './run-git.ts'

/** From so many commits kept one file each, looking through them takes longer than packing them. */
const manyRefs = 500

/**
 * Keeps a mirror fast: packs small pieces together, a few at a time (git-maintenance(1)). Nothing is removed that a
 * reader may need. It is no part of the fetch: what goes wrong is logged.
 */
export async function tidyMirror(mirror: {
  parts: GitParts
  folder: string
  signal: AbortSignal
}): Promise<void> {
  const { parts, folder, signal } = mirror
  const call = { folder, doing: 'tidying a mirror', signal, ms: parts.limits.ms }
  const maintenance = ['maintenance', 'run', '--auto', '--quiet']
  const calls = [[...maintenance, '--task=loose-objects', '--task=incremental-repack']]
  const refs = await readdir(join(folder, 'refs/mayfly/commits')).catch(() => [])
  if (refs.length > manyRefs) calls.push(['pack-refs', '--all'])
  for (const args of calls) {
    const done = await runGit({ ...call, args }).catch((error: unknown) => ({
      ok: false,
      stderr: `${error}`,
    }))
    if (!done.ok) parts.log.warn({ folder, git: args[0], stderr: done.stderr }, 'could not tidy a mirror')
  }
}
