import { readFile } from 'node:fs/promises'
import { ConfigError, InfraError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'

/** What QEMU takes beside the guest's memory: its own, its translation cache, its buffers. */
const overhead = 256 * 2 ** 20

/**
 * Refuses a machine that this host could only start by pushing something else out of memory. `memory` is bytes.
 * Throws ConfigError where the host could never run it, InfraError where it could at another time.
 */
export async function checkMemory(memory: number, meminfoFile = '/proc/meminfo'): Promise<void> {
  const meminfo = await readFile(meminfoFile, 'latin1')
  const total = readField(meminfo, 'MemTotal')
  const available = readField(meminfo, 'MemAvailable')
  if (memory + overhead > total) {
    throw new ConfigError(
      `the job asks for ${formatSize(memory)} of memory, this host has ${formatSize(total)} in all`,
      {
        hint: 'ask for less in `resources: { memory: … }`, or run it on a larger host',
      },
    )
  }
  if (memory + overhead > available) {
    throw new InfraError(
      'boot',
      `the job asks for ${formatSize(memory)} of memory, this host has ${formatSize(available)} free`,
      { hint: 'end something else on this host, or ask for less in `resources: { memory: … }`' },
    )
  }
}

function readField(meminfo: string, name: string): number {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1]
  return kibibytes === undefined ? Number.POSITIVE_INFINITY : Number(kibibytes) * 1024
}
