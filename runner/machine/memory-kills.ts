import { readFileSync } from 'node:fs'

/** How many processes the kernel of this host has killed for want of memory since it started; 0 where it does not tell. */
export function memoryKills(proc = '/proc'): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(`${proc}/vmstat`, 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
