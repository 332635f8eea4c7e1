import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ulid } from 'ulid'
import { withLock } from '../../images/lock.ts'
import { isAlive, ownIdentity, processIdentitySchema } from '../../images/process-identity.ts'
import { type Repository, repositoryKey } from '../model/repository.ts'
import { fetchCommit } from './fetch-commit.ts'
import { mirrorUsers, mirrorUsersLock } from './filenames.ts'
import type { GitParts } from './git-parts.ts'

type Use = {
  readonly parts: GitParts
  readonly repository: Repository
  /** Brought where it is absent: another host planned the job, or the mirror was pruned since. */
  readonly commit: { readonly sha: string; readonly ref: string | undefined }
  readonly signal: AbortSignal
}

/** Reads from a mirror, which stays until that is done: as long as its user is on disk, no process prunes it. */
export async function whileUsed<T>(
  { parts, repository, commit, signal }: Use,
  read: () => Promise<T>,
): Promise<T> {
  const key = repositoryKey(repository)
  const users = mirrorUsers(parts.dataFolder, key)
  const mine = join(users, ulid().toLowerCase())
  await withLock({ path: mirrorUsersLock(parts.dataFolder, key), signal }, async () => {
    await mkdir(users, { recursive: true, mode: 0o700 })
    await writeFile(mine, JSON.stringify(ownIdentity()))
  })
  try {
    await fetchCommit({ parts, repository, commit, signal })
    return await read()
  } finally {
    await rm(mine, { force: true })
    await touch(users)
  }
}

/** Whether somebody who lives reads from a mirror. To be asked with `mirrorUsersLock`. */
export async function isUsed(users: string): Promise<boolean> {
  for (const name of await readdir(users).catch(() => [])) {
    const text = await readFile(join(users, name), 'utf8').catch(() => '')
    if (isReadBySomebody(text)) return true
  }
  return false
}

/** When a mirror was last fetched into or read from, ms. */
export async function lastUse(folder: string, users: string): Promise<number> {
  const times = await Promise.all(
    [folder, join(folder, 'objects'), users].map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  )
  return Math.max(...times)
}

function isReadBySomebody(text: string): boolean {
  try {
    const { data } = processIdentitySchema.safeParse(JSON.parse(text))
    return data !== undefined && isAlive(data)
  } catch {
    return false
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now).catch(() => undefined)
}
