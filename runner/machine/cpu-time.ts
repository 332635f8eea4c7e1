import { readFileSync } from 'node:fs'

const ticksPerSecond = 100

/**
 * Milliseconds of processor time that a process has used, all its threads and both its own and the kernel's work for
 * it; undefined where there is none. proc_pid_stat(5): utime and stime are fields 14 and 15; the command name before
 * them may hold anything.
 */
export function cpuTime(pid: number, proc = '/proc'): number | undefined {
  try {
    const stat = readFileSync(`${proc}/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond
  } catch {
    return undefined
  }
}
