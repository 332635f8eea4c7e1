import { readdir, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { removeCgroup } from './remove-cgroup.ts'
import { withCgroup } from './with-cgroup.ts'

/** Whether machines of this host can have a control group each. */
export type CgroupVerdict =
  | { readonly can: true; readonly parent: string; readonly controllers: string }
  | { readonly can: false; readonly reason: string }

const small = { memory: 64 * 2 ** 20, cpus: 1 }
const youngMs = 60_000

let known: Promise<CgroupVerdict> | undefined

/** The verdict on this host, found out once by each process. */
export function cgroupVerdict(): Promise<CgroupVerdict> {
  known ??= probeCgroup()
  return known
}

/** Makes a group, runs in it and takes it down, and with it what machines left that nobody took down. */
export async function probeCgroup(): Promise<CgroupVerdict> {
  const [program = '', ...args] = withCgroup({ name: `probe-${process.pid}`, ...small }, ['true'])
  const { stdout, stderr } = await execa(program, args, { reject: false, timeout: 20_000 })
  const found = /^in (\S+): (.*)$/m.exec(stdout)
  if (found === null) return { can: false, reason: /^none: (.*)$/m.exec(stdout)?.[1] ?? stderr }
  const [, group = '', controllers = ''] = found
  const parent = dirname(group)
  await removeCgroup(group)
  await sweep(parent)
  return { can: true, parent, controllers: controllers.split(' ').join(', ') }
}

// The kernel keeps a group that has processes. One that was made a moment ago may be about to get its first.
async function sweep(parent: string): Promise<void> {
  for (const entry of await readdir(parent, { withFileTypes: true })) {
    const path = join(parent, entry.name)
    const found = entry.isDirectory() ? await stat(path).catch(() => undefined) : undefined
    if (found !== undefined && Date.now() - found.mtimeMs > youngMs) await rmdir(path).catch(() => undefined)
  }
}
