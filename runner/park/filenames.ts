import { join } from 'node:path'

/*
 * A parked machine, in the folder of its job:
 *
 *   parked/state.zst           devices and memory, as QEMU migrates them
 *         /disk.zst            what was written since it started
 *         /base.zst            where it started from a frozen machine: that one's disk, between its own and the image
 *         /firmware-vars.fd    where it boots through UEFI
 *         /manifest.json
 *         /greeting            what whoever comes in reads first, for the machine of a local job
 *   parked.work/               being written; not a parked machine
 *   parked.lock                who is in it, for the machine of a local job
 */

export type ParkedPaths = {
  readonly folder: string
  readonly state: string
  readonly disk: string
  readonly base: string
  readonly firmwareVars: string
  readonly manifest: string
}

export const parkedFolder = (jobFolder: string) => join(jobFolder, 'parked')
export const parkedGreeting = (jobFolder: string) => join(parkedFolder(jobFolder), 'greeting')
export const parkedLock = (jobFolder: string) => join(jobFolder, 'parked.lock')
export const parkingFolder = (jobFolder: string) => join(jobFolder, 'parked.work')

export function parkedPaths(folder: string): ParkedPaths {
  return {
    folder,
    state: join(folder, 'state.zst'),
    disk: join(folder, 'disk.zst'),
    base: join(folder, 'base.zst'),
    firmwareVars: join(folder, 'firmware-vars.fd'),
    manifest: join(folder, 'manifest.json'),
  }
}
