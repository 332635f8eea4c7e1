import { InfraError } from '../../config/errors.ts'
import type { Qmp, QmpOptions } from './qmp.ts'

/**
 * Asks a running QEMU which port of 127.0.0.1 leads to the guest's SSH; the kernel picked it, so no two machines
 * ever race for one.
 */
export async function readForwardedPort(qmp: Qmp, options: QmpOptions = {}): Promise<number> {
  return forwardedPort(await qmp.humanMonitor('info usernet', options))
}

/**
 * Finds the port in what HMP `info usernet` prints.
 *
 * @throws {InfraError} when there is not exactly one forward of 127.0.0.1 to the guest's port 22
 */
export function forwardedPort(usernet: string): number {
  const rows = [...usernet.matchAll(hostForward)].map(([, address, port, guestPort]) => ({
    address,
    port: Number(port),
    guestPort: Number(guestPort),
  }))
  const [row, ...more] = rows.filter(({ address, guestPort }) => address === '127.0.0.1' && guestPort === 22)
  if (row && more.length === 0 && row.port > 0 && row.port < 65_536) return row.port
  throw new InfraError(
    'boot',
    `Expected one forward from 127.0.0.1 to port 22, got ${JSON.stringify(usernet)}`,
    {
      hint: 'QEMU 7.2 or later with user networking (SLIRP) is needed.',
    },
  )
}

/** `TCP[HOST_FORWARD]  8  127.0.0.1 39809  10.0.2.15 22  0 0`: descriptor, source and port, target and port. */
const hostForward = /^ *TCP\[HOST_FORWARD\] +\d+ +(\S+) +(\d+) +\S+ +(\d+)/gm
