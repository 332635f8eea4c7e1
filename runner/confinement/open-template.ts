import { chmod, chown, stat } from 'node:fs/promises'
import type { QemuUser } from './qemu-user.ts'

type TemplateFiles = Readonly<
  Record<'folder' | 'disk' | 'ram' | 'state' | 'console' | 'firmwareVars', string>
>

/** Opens a sealed template to every QEMU of this user, and closes it to the one that it was made by. */
export async function openTemplate(
  { folder, disk, ram, state, console, firmwareVars }: TemplateFiles,
  { gid }: QemuUser,
): Promise<void> {
  for (const path of [folder, disk, ram, state]) await chown(path, 0, gid)
  await chmod(folder, 0o710)
  // Only we read these, and their owner's number may be another machine's by now.
  for (const path of [console, firmwareVars]) {
    if ((await stat(path).catch(() => undefined)) === undefined) continue
    await chown(path, 0, 0)
    await chmod(path, 0o600)
  }
  // QEMU before 8.2 opens for writing what it only maps privately.
  await chmod(ram, 0o660)
}
