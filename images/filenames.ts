import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

/*
 * Every name of the shelf on disk:
 *
 *   <data>/images/<name>/current                 link to the digest folder in use for new machines
 *   <data>/images/<name>/<digest12>/disk.qcow2   read-only
 *                                  /kernel, initrd
 *                                  /packages          what is installed in it, where its builder wrote that down
 *                                  /manifest.json
 *                                  /users/<machine id>   one marker per machine on this disk
 *   <data>/images/.downloads/<name>/source.part  what a pull has so far, with source.json saying of what
 *                                  /work-<random>        unpacking, building, removing
 *   <data>/images/.locks/<name>.lock             owner of the pull, build or removal under way
 */

export const diskFile = 'disk.qcow2'
export const kernelFile = 'kernel'
export const initrdFile = 'initrd'
export const packagesFile = 'packages'
export const manifestFile = 'manifest.json'

export const imagesFolder = (dataFolder: string) => join(dataFolder, 'images')
export const imageFolder = (dataFolder: string, name: string) => join(imagesFolder(dataFolder), name)
export const currentLink = (dataFolder: string, name: string) =>
  join(imageFolder(dataFolder, name), 'current')
export const usersFolder = (digestFolder: string) => join(digestFolder, 'users')

export const downloadsFolder = (dataFolder: string, name: string) =>
  join(imagesFolder(dataFolder), '.downloads', name)
export const partFile = (downloads: string) => join(downloads, 'source.part')
export const partStateFile = (downloads: string) => join(downloads, 'source.json')

export const locksFolder = (dataFolder: string) => join(imagesFolder(dataFolder), '.locks')
export const lockFile = (dataFolder: string, name: string) => join(locksFolder(dataFolder), `${name}.lock`)

/** Never the same twice, so that a child that outlived a killed pull writes where nobody looks. */
export const newWorkFolder = (downloads: string) => join(downloads, `work-${randomBytes(6).toString('hex')}`)

/** Twelve hex digits tell the versions of one image apart and keep paths short. */
export const digestName = (digest: string) => digest.replace(/^sha256:/, '').slice(0, 12)
export const isDigestName = (name: string) => /^[0-9a-f]{12}$/.test(name)

/** Image names become folder names; a leading dot is the shelf's own. */
export const isImageName = (name: string) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)
