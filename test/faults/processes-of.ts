import { readdir, readFile } from 'node:fs/promises'

/** Command lines of all processes that name a folder, by their pids. */
export async function processesOf(folder: string): Promise<Map<number, string>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = new Map<number, string>()
  for (const pid of pids) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')
    if (commandLine.includes(folder)) found.set(Number(pid), commandLine.replaceAll('\0', ' '))
  }
  return found
}

/** Pids of the machines of a data folder. */
export async function qemuOf(data: string): Promise<number[]> {
  return [...(await processesOf(data))].filter(([, line]) => /^\S*qemu-system/.test(line)).map(([pid]) => pid)
}
