import type { Client } from 'ssh2'
import { type OpenChannel, openChannel } from './open-channel.ts'

const spares = new WeakMap<Client, Set<OpenChannel>>()

/**
 * Opens shells that wait for a command each on their standard input: a command that finds one is spared the opening
 * of a channel, the server's fork and the start of the login shell, which take most of a short command's time.
 */
export async function openSpareShells(client: Client, count: number): Promise<void> {
  const waiting = spares.get(client) ?? new Set()
  spares.set(client, waiting)
  for (let opened = 0; opened < count; opened++) {
    const shell = await openChannel(client, 'exec sh')
    waiting.add(shell)
    // Only a stream that is read shows its end.
    shell.channel.resume()
    shell.channel.stderr.resume()
    void shell.status.then(() => waiting.delete(shell))
  }
}

/** A shell that waits, which is the caller's from then on; undefined where there is none. */
export function takeSpareShell(client: Client): OpenChannel | undefined {
  const waiting = spares.get(client) ?? new Set()
  for (const shell of waiting) {
    waiting.delete(shell)
    const { channel } = shell
    channel.pause()
    channel.stderr.pause()
    if (!channel.readableEnded && channel.writable) return shell
  }
  return undefined
}
