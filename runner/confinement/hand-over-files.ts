import { chmod, chown, open, readdir, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { MachinePaths } from '../machine/filenames.ts'
import type { QemuSpec } from '../qemu/qemu-spec.ts'
import type { QemuUser } from './qemu-user.ts'

/** Whom a QEMU runs as: a user of its own or one that machines share, and the groups that it has beside that. */
export type MachineUser = QemuUser & { readonly groups: readonly number[] }

/** What of a machine has to do with files. */
export type MachineFiles = {
  readonly paths: MachinePaths
  readonly spec: QemuSpec
  /** What the overlay stands on and that lies elsewhere; absolute. */
  readonly bases: readonly string[]
}

/** The part of a machine's hardware that lies in files of others. */
type StoodOn = Pick<QemuSpec, 'memoryFile' | 'kernel'>

/**
 * What a QEMU that is not root could not open even after {@link handOverFiles}: a file that its machine stands on, or a
 * folder on the way to one, such as somebody's home. Looks only, so that a machine with something closed is still ours.
 */
export async function findClosed(
  { paths, spec, bases }: Pick<MachineFiles, 'paths' | 'bases'> & { readonly spec: StoodOn },
  user: MachineUser,
): Promise<string | undefined> {
  const { memoryFile } = spec
  const shared = memoryFile?.use === 'private' ? [memoryFile.path] : []
  const files = [...bases, ...shared, ...kernelFiles(spec)]
  const handed = new Set(await Promise.all(handedFolders({ paths, spec }).map((folder) => realpath(folder))))
  const ways = await Promise.all([...handed, ...files].map(way))
  for (const folder of new Set(ways.flat()))
    if (!handed.has(folder) && !(await allows(folder, user, 1))) return folder
  for (const file of files) if (!(await allows(file, user, 4))) return file
  return undefined
}

/**
 * Gives a QEMU that is not root what it needs of one machine's files: its own to write, what it stands on to read, the
 * way there, and nothing to the rest of the world. Folders stay root's, so that nothing can be put in the place of a
 * file of ours; in that of the sockets it can make its own, and no other's go away (the sticky bit). Folders that are all
 * machines' are opened to the group `shared`, which every machine's QEMU has.
 */
export async function handOverFiles(
  { paths, spec }: MachineFiles,
  { user: { uid, gid }, shared }: { user: MachineUser; shared: number },
): Promise<void> {
  for (const folder of sharedFolders(paths)) await openFolder(folder, shared, 0o710)
  for (const folder of ownFolders({ paths, spec })) await openFolder(folder, gid, 0o710)
  await openFolder(paths.runFolder, gid, 0o1770)
  await (await open(paths.console, 'a', 0o600)).close()
  const written = [paths.overlay, paths.console]
  if (spec.firmware.kind === 'uefi') written.push(spec.firmware.vars)
  const memory = spec.memoryFile
  if (memory?.use === 'written') {
    await (await open(memory.path, 'a', 0o600)).close()
    written.push(memory.path)
  }
  for (const path of written) {
    await chown(path, uid, gid)
    await chmod(path, 0o600)
  }
  const beside = (await readdir(paths.folder)).filter(
    (name) => name.endsWith('.qcow2') || name.endsWith('.iso'),
  )
  const read = beside.map((name) => join(paths.folder, name)).filter((path) => path !== paths.overlay)
  for (const path of read) {
    await chown(path, 0, gid)
    await chmod(path, 0o640)
  }
}

/** The folders that the user gets a way through; all of them are a machine's or a template's, and of our own making. */
function handedFolders(machine: { paths: MachinePaths; spec: StoodOn }): string[] {
  return [...sharedFolders(machine.paths), ...ownFolders(machine)]
}

function sharedFolders({ folder, runFolder }: MachinePaths): string[] {
  return [dirname(folder), dirname(runFolder)]
}

function ownFolders({ paths, spec }: { paths: MachinePaths; spec: StoodOn }): string[] {
  const { memoryFile } = spec
  return memoryFile?.use === 'written' ? [paths.folder, dirname(memoryFile.path)] : [paths.folder]
}

async function openFolder(path: string, gid: number, mode: number): Promise<void> {
  await chown(path, 0, gid)
  await chmod(path, mode)
}

function kernelFiles({ kernel }: StoodOn): string[] {
  return kernel === undefined ? [] : [kernel.image, kernel.initrd]
}

/** The real folders that the kernel goes through to a file that is there, those that links lead through among them. */
async function way(path: string): Promise<string[]> {
  // Fails where links lead in a circle.
  await stat(path)
  const folders: string[] = []
  let parts = path.split('/').filter(Boolean)
  let at = '/'
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    folders.push(at)
    const next = join(at, part)
    const link = await readlink(next).catch(() => undefined)
    if (link === undefined) at = next
    else {
      parts = [...resolve(at, link).split('/').filter(Boolean), ...parts]
      at = '/'
    }
  }
  return folders
}

// As the kernel does it: the first class that fits decides.
async function allows(path: string, { uid, gid, groups }: MachineUser, bit: number): Promise<boolean> {
  const found = await stat(path)
  const shift = found.uid === uid ? 6 : found.gid === gid || groups.includes(found.gid) ? 3 : 0
  return ((found.mode >> shift) & bit) !== 0
}
