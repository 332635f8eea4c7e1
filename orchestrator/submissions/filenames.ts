import { join } from 'node:path'

/*
 * Every name of this folder's on disk:
 *
 *   <data>/checkouts/<id>/submission.bundle    a submission as it arrives, in a folder of its own; gone when it is in
 *                        /quarantine.git       the same unpacked, to be looked at before it is believed
 *   <data>/mirrors/.locks/<key>.submissions    who adds to a local repository or prunes it
 */

export const bundleFile = (folder: string) => join(folder, 'submission.bundle')
export const quarantineFolder = (folder: string) => join(folder, 'quarantine.git')
export const submissionsLock = (dataFolder: string, key: string) =>
  join(dataFolder, 'mirrors', '.locks', `${encodeURIComponent(key)}.submissions`)

/** What an earlier version kept submitted commits by in their mirrors. */
export const earlierRefs = 'refs/mayfly/submissions'
