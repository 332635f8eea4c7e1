import { once } from 'node:events'
import { execa } from 'execa'
import { onTestFinished } from 'vitest'

/**
 * A folder on a disk of its own of this many MiB, gone when the test is over. It is a tmpfs that only a waiting
 * process has mounted, reached through that process's root, so that it needs no root and leaves no mount.
 */
export async function createSmallDisk(mebibytes: number): Promise<string> {
  const script = `mount -t tmpfs -o mode=0777,size=${mebibytes}M tmpfs /mnt && echo ready && exec sleep 3600`
  const holder = execa('unshare', [...ownMounts(), 'sh', '-c', script], { reject: false })
  onTestFinished(async () => {
    holder.kill('SIGKILL')
    await holder
  })
  const [said] = (await Promise.race([once(holder.stdout, 'data'), holder])) as unknown[]
  if (!String(said).includes('ready')) throw new Error(`expected a small disk, got ${String(said)}`)
  return `/proc/${holder.pid}/root/mnt`
}

/** Flags of `unshare` for mounts of one's own; who is not root needs a user namespace for them. */
function ownMounts(): string[] {
  return isRoot() ? ['--mount'] : ['--user', '--map-root-user', '--mount']
}

/** A command that runs after a shell script has mounted things for it alone, as the user that we are. */
export function withMounts(script: string, command: readonly string[]): [string, ...string[]] {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()]
  const asUs = isRoot() ? [] : ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`]
  return ['unshare', ...ownMounts(), 'sh', '-ec', `${script}\nexec "$@"`, 'sh', ...asUs, ...command]
}

const isRoot = () => process.getuid?.() === 0
