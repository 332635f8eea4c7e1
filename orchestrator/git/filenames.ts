import { join } from 'node:path'

/*
 * Every name of this folder's on disk:
 *
 *   <data>/mirrors/<key, percent-encoded>.git    bare mirror of a repository; may be removed when nothing runs
 *   <data>/mirrors/.locks/<the same>.lock        who fetches into it
 *   <data>/checkouts/<id>/tree                   a job's working directory, on its way into the machine
 *                        /owner.json             the process that made it
 */

/** `github:owner/name` is no file name; percent-encoding has neither slashes nor a leading dot, for the key has a colon. */
const encoded = (key: string) => encodeURIComponent(key)

export const mirrorFolder = (dataFolder: string, key: string) =>
  join(dataFolder, 'mirrors', `${encoded(key)}.git`)
export const mirrorLock = (dataFolder: string, key: string) =>
  join(dataFolder, 'mirrors', '.locks', `${encoded(key)}.lock`)

export const checkoutsFolder = (dataFolder: string) => join(dataFolder, 'checkouts')
export const treeFolder = (checkout: string) => join(checkout, 'tree')
export const ownerFile = (checkout: string) => join(checkout, 'owner.json')

/** Keeps a commit that was fetched from being pruned, also when its branch moved on. */
export const commitRef = (sha: string) => `refs/mayfly/commits/${sha}`
/** What a fetch by name brings, until it is known to hold the commit. */
export const fetchedRef = 'refs/mayfly/fetched'
