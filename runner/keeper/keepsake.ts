import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { ShelfImage } from '../../images/image.ts'
import type { Prepared } from '../guest/guest-session.ts'
import type { MachineFacts } from '../machine/machine.ts'
import type { QemuSpec } from '../qemu/qemu-spec.ts'
import type { SshLogin } from '../ssh/connect-ssh.ts'
import type { TemplateSubject } from '../template/template-key.ts'
import { keepsakeFile } from './filenames.ts'
import { makeMemoryFolder, memoryFolder } from './memory-folder.ts'

/** All that the next process needs to go on with a machine. It holds the machine's key and may hold secrets. */
export type Keepsake = {
  readonly facts: MachineFacts
  readonly login: SshLogin
  readonly spec: QemuSpec
  readonly subject: Pick<TemplateSubject, 'image' | 'resources' | 'accel' | 'qemu'>
  /** The disks that it stands on. */
  readonly uses: readonly Pick<ShelfImage, 'name' | 'disk'>[]
  readonly prepared: Prepared | undefined
  /** Port in the guest on which its way out is offered; undefined where it has none. */
  readonly proxyPort: number | undefined
  /** Bytes of the console's file that its listener had heard. */
  readonly consoleRead: number
  /** Of whoever let it outlive them; JSON. */
  readonly note: unknown
}

/** Grows with every change that an older or newer process could not read. */
const format = 1

/**
 * Keeps it in memory-backed storage, for its owner alone. False where this host has none: a key and secrets never lie
 * on a disk.
 */
export async function writeKeepsake(id: string, keepsake: Keepsake): Promise<boolean> {
  const folder = await makeMemoryFolder()
  if (folder === undefined) return false
  const file = keepsakeFile(folder, id)
  await writeFile(`${file}.new`, JSON.stringify({ format, ...keepsake }), { mode: 0o600 })
  await rename(`${file}.new`, file)
  return true
}

/** Undefined where there is none, or one of another version of Mayfly. */
export async function readKeepsake(id: string): Promise<Keepsake | undefined> {
  try {
    const kept = JSON.parse(await readFile(keepsakeFile(memoryFolder(), id), 'utf8')) as Keepsake & {
      format: number
    }
    return kept.format === format ? kept : undefined
  } catch {
    return undefined
  }
}

export async function removeKeepsake(id: string): Promise<void> {
  await rm(keepsakeFile(memoryFolder(), id), { force: true })
}
