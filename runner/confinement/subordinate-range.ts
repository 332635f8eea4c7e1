import { readFile } from 'node:fs/promises'
import { type QemuUser, qemuUserName } from './qemu-user.ts'

/** Users and groups that are for the machines of this host; the nth user goes with the nth group. */
export type SubordinateRange = { readonly uid: number; readonly gid: number; readonly count: number }

type Files = { readonly uids: string; readonly gids: string }

const standardFiles: Files = { uids: '/etc/subuid', gids: '/etc/subgid' }

/**
 * The range that this host gives to QEMU's user, by its name or its number; undefined where it gives none. Of several
 * the first counts. subuid(5): a line is `NAME-OR-UID:FIRST:COUNT`.
 */
export async function subordinateRange(
  { uid }: QemuUser,
  files = standardFiles,
): Promise<SubordinateRange | undefined> {
  const [uids, gids] = await Promise.all([firstOf(files.uids, uid), firstOf(files.gids, uid)])
  if (uids === undefined || gids === undefined) return undefined
  return { uid: uids.first, gid: gids.first, count: Math.min(uids.count, gids.count) }
}

async function firstOf(file: string, owner: number): Promise<{ first: number; count: number } | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  for (const line of text.split('\n')) {
    const [name, first, count] = line.split(':')
    if (name !== qemuUserName && name !== String(owner)) continue
    const range = { first: Number(first), count: Number(count) }
    // Root's number in it would be no improvement, and the last one means nobody (setuid(2)).
    const isWhole = Number.isInteger(range.first) && Number.isInteger(range.count)
    if (isWhole && range.first > 0 && range.count > 0 && range.first + range.count < 2 ** 32 - 1) return range
  }
  return undefined
}
