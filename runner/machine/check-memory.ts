import { readFile } from 'node:fs/promises'
import { ConfigError, InfraError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'
import type { MemoryNeed } from './memory-need.ts'

/** There is not enough memory now; whatever the machine would have started from is not to blame. */
export class NoMemory extends InfraError {
  constructor(message: string) {
    const hint = 'end something else on this host, or ask for less in `resources: { memory: … }`'
    super('boot', message, { hint })
  }
}

type CheckMemory = {
  readonly need: MemoryNeed
  /** Bytes that are free still but promised to other machines. */
  readonly outstanding: number
  /** @defaultValue /proc */
  readonly proc?: string | undefined
}

/**
 * Refuses a machine that this host could only start by pushing something else out of memory, now or once all that run
 * have taken what they were promised.
 * Throws ConfigError where the host could never run it, NoMemory where it could at another time.
 */
export async function checkMemory({ need, outstanding, proc = '/proc' }: CheckMemory): Promise<void> {
  const { guest, own } = need
  const meminfo = await readFile(`${proc}/meminfo`, 'latin1')
  const total = readField(meminfo, 'MemTotal')
  const available = readField(meminfo, 'MemAvailable')
  const asked = `the job asks for ${formatSize(guest)} of memory`
  const withOwn = `with QEMU's own ${formatSize(own)}`
  if (guest + own > total) {
    throw new ConfigError(`${asked}, this host has ${formatSize(total)} in all (${withOwn})`, {
      hint: 'ask for less in `resources: { memory: … }`, or run it on a larger host',
    })
  }
  if (guest + own <= available - outstanding) return
  const promised =
    outstanding === 0 ? '' : `, of which ${formatSize(outstanding)} are promised to machines that run`
  throw new NoMemory(`${asked}, this host has ${formatSize(available)} free${promised} (${withOwn})`)
}

function readField(meminfo: string, name: string): number {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1]
  return kibibytes === undefined ? Number.POSITIVE_INFINITY : Number(kibibytes) * 1024
}
