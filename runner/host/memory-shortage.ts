import { readFile } from 'node:fs/promises'
import { formatSize } from '../../config/size.ts'

type Look = {
  /** Bytes that have to be available. */
  readonly least: number
  /** Percent of the last ten seconds in which all tasks waited for memory. */
  readonly mostStall: number
  /** @defaultValue /proc */
  readonly proc?: string | undefined
}

/**
 * How this host is short of memory, in words; undefined where it is not.
 * @see https://docs.kernel.org/accounting/psi.html
 */
export async function memoryShortage({
  least,
  mostStall,
  proc = '/proc',
}: Look): Promise<string | undefined> {
  const read = (name: string) => readFile(`${proc}/${name}`, 'latin1').catch(() => '')
  // Kernels without pressure stall information have no such file, or refuse to open it.
  const stall = Number(/^full avg10=([\d.]+)/m.exec(await read('pressure/memory'))?.[1] ?? 0)
  if (stall > mostStall)
    return `the host waited for memory in ${stall} % of the last ten seconds, of at most ${mostStall} %`
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(await read('meminfo'))?.[1]
  const available = kibibytes === undefined ? Number.POSITIVE_INFINITY : Number(kibibytes) * 1024
  return available < least
    ? `the host has ${formatSize(available)} of memory available, of at least ${formatSize(least)}`
    : undefined
}
