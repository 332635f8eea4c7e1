import { readFile } from 'node:fs/promises'
import type { StartFigures } from './contender.ts'

type Memory = Pick<StartFigures, 'rss' | 'pss' | 'private'>

/** Memory of a process in bytes; nothing where it is gone. */
export async function qemuMemory(pid: number | undefined): Promise<Memory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => '')
  return parseSmapsRollup(text)
}

/** proc_pid_smaps(5): `smaps_rollup` adds up all mappings, in KiB. */
export function parseSmapsRollup(text: string): Memory {
  const field = (name: string) => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  }
  return { rss: field('Rss'), pss: field('Pss'), private: field('Private_Dirty') }
}
