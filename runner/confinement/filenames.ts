import { join } from 'node:path'

/*
 * Users of machines that are taken, for the whole host and gone with a reboot:
 *
 *   /run/mayfly-qemu/<uid>   the record of the machine that has it, by its path
 *                   /lock    who looks for a free one
 */

export const usersFolder = '/run/mayfly-qemu'
export const userClaim = (folder: string, uid: number) => join(folder, String(uid))
export const usersLock = (folder: string) => join(folder, 'lock')
