import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { InMirror } from './mirror-folder.ts'
import { runGit } from './run-git.ts'

/** From so many pieces on, looking through them takes longer than putting them together. */
const many = { packs: 10, refs: 500, looseInOneOf256: 4 }

/**
 * Keeps a mirror fast: small packs and loose objects become larger packs, so that their number grows with the
 * logarithm of the history (git-repack(1), --geometric). It is no part of the fetch: what goes wrong is logged.
 */
export async function tidyMirror({ parts, folder, signal }: InMirror): Promise<void> {
  const packs = (await names(join(folder, 'objects/pack'))).filter((name) => name.endsWith('.pack'))
  // As git gc --auto estimates it: ids are evenly spread over the 256 folders.
  const loose = await names(join(folder, 'objects/17'))
  const refs = await names(join(folder, 'refs/mayfly/commits'))
  const calls: string[][] = []
  if (packs.length > many.packs || loose.length > many.looseInOneOf256) {
    calls.push(['repack', '--quiet', '-d', '--geometric=2'])
  }
  if (refs.length > many.refs) calls.push(['pack-refs', '--all'])
  for (const args of calls) {
    const call = { args, folder, doing: 'tidying a mirror', signal, ms: parts.limits.ms }
    const done = await runGit(call).catch((error: unknown) => ({ ok: false, stderr: String(error) }))
    if (!done.ok) parts.log.warn({ folder, args, stderr: done.stderr }, 'could not tidy a mirror')
  }
}

function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}
