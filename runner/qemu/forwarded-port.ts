import { InfraError } from '../../config/errors.ts'
import type { Qmp, QmpOptions } from './qmp.ts'

/**
 * Asks a running QEMU which port of 127.0.0.1, or of another address, leads to the guest's SSH; the kernel picked it,
 * so no two machines ever race for one.
 */
export async function readForwardedPort(
  qmp: Qmp,
  { address, ...options }: QmpOptions & { address?: string | undefined } = {},
): Promise<number> {
  return forwardedPort(await qmp.humanMonitor('info usernet', options), address)
}

/**
 * Finds the port in what HMP `info usernet` prints.
 *
 * @throws {InfraError} when there is not exactly one forward of `expected` to the guest's port 22
 */
export function forwardedPort(usernet: string, expected = '127.0.0.1'): number {
  const rows = [...usernet.matchAll(hostForward)].map(([, address, port, guestPort]) => ({
    address,
    port: Number(port),
    guestPort: Number(guestPort),
  }))
  const [row, ...more] = rows.filter(({ address, guestPort }) => address === expected && guestPort === 22)
  if (row && more.length === 0 && row.port > 0 && row.port < 65_536) return row.port
  throw new InfraError(
    'boot',
    `Expected one forward from ${expected} to port 22, got ${JSON.stringify(usernet)}`,
    {
      hint: 'QEMU 7.2 or later with user networking (SLIRP) is needed.',
    },
  )
}

/** `TCP[HOST_FORWARD]  8  127.0.0.1 39809  10.0.2.15 22  0 0`: descriptor, source and port, target and port. */
const hostForward = /^ *TCP\[HOST_FORWARD\] +\d+ +(\S+) +(\d+) +\S+ +(\d+)/gm
