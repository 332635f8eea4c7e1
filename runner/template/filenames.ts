import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

/*
 * Every name of the frozen machines on disk. Templates lie on one shelf, <data>/templates, and checkpoints on another,
 * <data>/checkpoints, with the same names below it:
 *
 *   <shelf>/<key>/disk.qcow2          what the guest wrote until it was frozen, on top of its image
 *                /ram                 its memory, sparse
 *                /state               its devices
 *                /console             what its boot printed
 *                /firmware-vars.fd    where it boots through UEFI
 *                /manifest.json       written last: a folder without one is not a template
 *                /users/<machine id>  one marker per clone
 *   <shelf>/.work/<key>-<random>      being built, or being removed
 *   <shelf>/.locks/<key>.lock         who builds it
 *   <shelf>/.failed/<key>.json        why it could not be built, and when
 */

export type TemplatePaths = {
  readonly folder: string
  readonly disk: string
  readonly ram: string
  readonly state: string
  readonly console: string
  readonly firmwareVars: string
  readonly manifest: string
}

export const templatesFolder = (dataFolder: string) => join(dataFolder, 'templates')
export const checkpointsFolder = (dataFolder: string) => join(dataFolder, 'checkpoints')
export const templateFolder = (shelf: string, key: string) => join(shelf, key)
export const templateLock = (shelf: string, key: string) => join(shelf, '.locks', `${key}.lock`)
export const templateFailure = (shelf: string, key: string) => join(shelf, '.failed', `${key}.json`)
export const workFolder = (shelf: string) => join(shelf, '.work')

/** Never the same twice, so that a builder that outlived its owner writes where nobody looks. */
export const newWorkFolder = (shelf: string, key: string) =>
  join(workFolder(shelf), `${key}-${randomBytes(6).toString('hex')}`)

/** Sixteen hex digits of `templateKey`. */
export const isTemplateKey = (name: string) => /^[0-9a-f]{16}$/.test(name)

export function templatePaths(folder: string): TemplatePaths {
  return {
    folder,
    disk: join(folder, 'disk.qcow2'),
    ram: join(folder, 'ram'),
    state: join(folder, 'state'),
    console: join(folder, 'console'),
    firmwareVars: join(folder, 'firmware-vars.fd'),
    manifest: join(folder, 'manifest.json'),
  }
}
