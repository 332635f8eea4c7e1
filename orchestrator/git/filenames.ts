import { join } from 'node:path'

/*
 * Every name of this folder's on disk:
 *
 *   <data>/mirrors/<key, percent-encoded>.git    bare mirror of a repository; may be removed when nothing runs
 *   <data>/mirrors/.locks/<the same>.lock        who fetches into it
 *   <data>/mirrors/.locks/<the same>.users.lock  who writes down that they read from it, or removes it
 *   <data>/mirrors/.users/<the same>/<id>        a process that reads from it; the folder is as old as its last use
 *   <data>/checkouts/<id>/tree                   a job's working directory, on its way into the machine
 *                        /owner.json             the process that made it
 */

/** `github:owner/name` is no file name; percent-encoding has neither slashes nor a leading dot, for the key has a colon. */
const encoded = (key: string) => encodeURIComponent(key)

export const mirrorsFolder = (dataFolder: string) => join(dataFolder, 'mirrors')
export const mirrorFolder = (dataFolder: string, key: string) =>
  join(mirrorsFolder(dataFolder), `${encoded(key)}.git`)
export const mirrorLock = (dataFolder: string, key: string) =>
  join(dataFolder, 'mirrors', '.locks', `${encoded(key)}.lock`)

export const mirrorUsers = (dataFolder: string, key: string) =>
  join(dataFolder, 'mirrors', '.users', encoded(key))
export const mirrorUsersLock = (dataFolder: string, key: string) =>
  join(dataFolder, 'mirrors', '.locks', `${encoded(key)}.users.lock`)
/** Of a name in `mirrorsFolder`; undefined for what is no mirror. */
export const keyOfMirror = (name: string): string | undefined =>
  name.endsWith('.git') ? decodeURIComponent(name.slice(0, -'.git'.length)) : undefined

export const checkoutsFolder = (dataFolder: string) => join(dataFolder, 'checkouts')
export const treeFolder = (checkout: string) => join(checkout, 'tree')
export const ownerFile = (checkout: string) => join(checkout, 'owner.json')

/** Keeps a commit that was fetched from being pruned, also when its branch moved on. */
export const commitRef = (sha: string) => `${commitRefs}/${sha}`
export const commitRefs = 'refs/mayfly/commits'
/** What a fetch by name brings, until it is known to hold the commit. */
export const fetchedRef = 'refs/mayfly/fetched'
