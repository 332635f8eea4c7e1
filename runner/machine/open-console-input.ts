import { once } from 'node:events'
import { connect } from 'node:net'
import { InfraError } from '../../config/errors.ts'
import type { ConsoleInput } from './machine.ts'

/**
 * The other direction of a machine's serial console, whose output its log file has. QEMU takes one connection at a time
 * and leaves the next one waiting until that is closed.
 *
 * @param socket path of QEMU's chardev, a Unix socket
 * @throws {InfraError} `ssh-lost` when nobody listens there
 */
export async function openConsoleInput(socket: string): Promise<ConsoleInput> {
  const connection = connect(socket)
  try {
    await once(connection, 'connect')
  } catch (cause) {
    throw lost('the serial console cannot be reached', cause)
  }
  // QEMU stops the guest's output when it is not taken here; it has gone into the log file by then.
  connection.resume()
  connection.on('error', () => connection.destroy())
  return {
    write: (chunk) =>
      new Promise((resolve, reject) => {
        connection.write(chunk, (error) => {
          // Node calls back without an error for what was under way when the socket broke.
          if (error || connection.destroyed) reject(lost('the serial console was closed', error))
          else resolve()
        })
      }),
    close: () => connection.destroySoon(),
  }
}

function lost(message: string, cause: unknown): InfraError {
  return new InfraError('ssh-lost', message, { cause })
}
