import { decodeTime } from 'ulid'
import { withLock } from '../../images/lock.ts'
import type { KeptSubmission, SubmittedFiles } from '../archive/submitted-files.ts'
import { commitRef, commitRefs, mirrorFolder, mirrorLock } from '../git/filenames.ts'
import type { GitParts } from '../git/git-parts.ts'
import { removeUnused } from '../git/prune-mirrors.ts'
import { runGit } from '../git/run-git.ts'
import type { BuildState } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { earlierRefs } from './filenames.ts'

/** Submissions of one local repository: beyond `most`, only the newest `left` stay; none beyond `ageMs` or `bytes` in all. */
export const retention = { most: 50, left: 40, ageMs: 14 * 24 * 3600_000, bytes: 4 * 2 ** 30 } as const

export type Retention = {
  readonly most: number
  readonly left: number
  readonly ageMs: number
  readonly bytes: number
}

/** Longer than any host writes one. */
const longestWriteMs = 24 * 3600_000

type Prune = {
  readonly parts: GitParts
  readonly archive: Pick<SubmittedFiles, 'submissions' | 'removeSubmission' | 'sweepSubmissions'>
  readonly store: Pick<Store, 'builds'>
  readonly key: string
  readonly keep: Retention
  readonly now: () => Date
  readonly signal: AbortSignal
}

/**
 * Removes old submissions of a repository from the archive, and from its mirror here what is not in the archive, but
 * never one whose build has not ended; a mirror that keeps none is removed whole. To be called with the lock of its
 * submissions. Gives the number removed.
 */
export async function pruneSubmissions(prune: Prune): Promise<number> {
  const { parts, archive, store, key, keep, now, signal } = prune
  await archive.sweepSubmissions(key, new Date(now().getTime() - longestWriteMs))
  const submitted = await archive.submissions(key)
  const old = tooOld(submitted, keep, now())
  const stays = new Set(submitted.filter((one) => !old.includes(one)).map(({ sha }) => sha))
  const mirrored = await mirroredCommits(prune)
  if (old.length === 0 && mirrored.every((sha) => stays.has(sha))) return 0
  for (const sha of await liveCommits(store, key)) stays.add(sha)
  const gone = old.filter(({ sha }) => !stays.has(sha))
  for (const submission of gone) await archive.removeSubmission(key, submission)
  await pruneMirror({ parts, key, signal }, mirrored, stays)
  return gone.length
}

function tooOld(submitted: readonly KeptSubmission[], keep: Retention, now: Date): KeptSubmission[] {
  const oldest = now.getTime() - keep.ageMs
  const room = submitted.length > keep.most ? keep.left : keep.most
  let bytes = 0
  return submitted.filter((submission, index) => {
    bytes += submission.bytes
    return index >= room || timeOf(submission) < oldest || (index > 0 && bytes > keep.bytes)
  })
}

type InPlace = Pick<Prune, 'parts' | 'key' | 'signal'>

/** Removes those of a mirror's commits that do not stay. */
async function pruneMirror(
  { parts, key, signal }: InPlace,
  mirrored: readonly string[],
  stays: ReadonlySet<string>,
): Promise<void> {
  const gone = mirrored.filter((sha) => !stays.has(sha))
  if (gone.length === 0) return
  // Whoever reads from it keeps it until the next time.
  if (gone.length === mirrored.length) return void (await removeUnused(parts.dataFolder, key))
  const call = callOf({ parts, key, signal })
  await withLock({ path: mirrorLock(parts.dataFolder, key), signal }, async () => {
    const earlier = await refsBelow(call, earlierRefs)
    for (const name of [...gone.map(commitRef), ...earlier.map(({ name }) => name)])
      await runGit({ ...call, args: ['update-ref', '-d', name] })
    await runGit({ ...call, args: ['gc', '--quiet', '--prune=now'] })
  })
}

async function mirroredCommits(place: InPlace): Promise<string[]> {
  return (await refsBelow(callOf(place), commitRefs)).map(({ sha }) => sha)
}

type Call = Omit<Parameters<typeof runGit>[0], 'args'>

function callOf({ parts, key, signal }: InPlace): Call {
  return {
    folder: mirrorFolder(parts.dataFolder, key),
    doing: `pruning ${key}`,
    signal,
    ms: parts.limits.ms,
  }
}

/** A mirror that is not there has none. */
async function refsBelow(call: Call, start: string): Promise<{ name: string; sha: string }[]> {
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', start]
  const { ok, stdout } = await runGit({ ...call, args }).catch(() => ({ ok: false, stdout: Buffer.of() }))
  if (!ok) return []
  const lines = stdout.toString('utf8').split('\n').filter(Boolean)
  return lines.map((line) => ({
    sha: line.slice(0, line.indexOf(' ')),
    name: line.slice(line.indexOf(' ') + 1),
  }))
}

function timeOf({ id }: KeptSubmission): number {
  return decodeTime(id.toUpperCase())
}

const live: readonly BuildState[] = ['waiting', 'queued', 'running']

/** As many as a repository may have waiting; those that run began before the newest that wait. */
const page = { limit: 1000, cursor: undefined }

async function liveCommits(store: Prune['store'], repository: string): Promise<Set<string>> {
  const found = await Promise.all(live.map((state) => store.builds.list({ repository, state }, page)))
  return new Set(found.flatMap(({ items }) => items.map(({ trigger }) => trigger.sha)))
}
