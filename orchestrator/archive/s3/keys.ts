import { attemptFolderPath, buildFolderPath } from '../filenames.ts'

/** Keys of the bucket: those that a folder would have as paths, and the ones here. */
export const attemptKey = (attempt: string, name: string): string =>
  `${attemptFolderPath('', attempt)}/${name}`

/** There when all of an attempt is. */
export const completeName = 'complete'

/** What a file of an attempt had so far, while it grows, in pieces of `pieceBytes` but for the last. */
export const pieceBytes = 2 ** 20
export const liveKey = (attempt: string, name = ''): string =>
  `${attemptKey(attempt, name === '' ? '' : `${name}/`).replace(/^jobs/, 'live')}`
export const pieceKey = (attempt: string, name: string, index: number): string =>
  `${liveKey(attempt, name)}${String(index).padStart(8, '0')}`

/** The last thing that somebody was told of a build. */
export const toldKey = (build: string, whom = ''): string =>
  `${buildFolderPath('', build)}/told/${encodeURIComponent(whom)}`
