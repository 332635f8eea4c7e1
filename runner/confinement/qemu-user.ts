import { userInfo } from 'node:os'
import { execa } from 'execa'

/** The user that QEMU runs as where Mayfly is root. No name of a person: `useradd --system` makes it. */
export const qemuUserName = 'mayfly-qemu'

export type QemuUser = { readonly uid: number; readonly gid: number }

let known: Promise<QemuUser | undefined> | undefined

/** Whom QEMU is to run as; undefined where Mayfly is not root, or this host has no such user. Asked once. */
export function qemuUser(): Promise<QemuUser | undefined> {
  known ??= findQemuUser()
  return known
}

/** The same, looked up anew. */
export async function findQemuUser(): Promise<QemuUser | undefined> {
  if (userInfo().uid !== 0) return undefined
  const { stdout, failed } = await execa('getent', ['passwd', qemuUserName], { reject: false })
  const [, , uid, gid] = stdout.split(':').map(Number)
  // Root under another name would be no improvement.
  if (failed || !Number.isInteger(uid) || uid === undefined || uid === 0) return undefined
  return gid === undefined || !Number.isInteger(gid) ? undefined : { uid, gid }
}
