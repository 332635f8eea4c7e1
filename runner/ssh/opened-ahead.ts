import type { Client } from 'ssh2'
import { type OpenChannel, openChannel } from './open-channel.ts'

const opened = new WeakMap<Client, Map<string, OpenChannel>>()

/**
 * Starts a command that does nothing before it has its standard input, for an `exec` to come: that one is spared the
 * opening of a channel, the server's fork and the start of the program, which take most of a short command's time.
 */
export async function openAhead(client: Client, command: string): Promise<void> {
  const waiting = opened.get(client) ?? new Map<string, OpenChannel>()
  opened.set(client, waiting)
  const open = await openChannel(client, command)
  waiting.set(command, open)
  // Only a stream that is read shows its end.
  open.channel.resume()
  open.channel.stderr.resume()
  void open.status.then(() => {
    if (waiting.get(command) === open) waiting.delete(command)
  })
}

/** Whether a command waits on a connection, as far as we know. */
export function isOpenedAhead(client: Client, command: string): boolean {
  const open = opened.get(client)?.get(command)
  return open !== undefined && !open.channel.readableEnded && open.channel.writable
}

/** A command that waits, which is the caller's from then on; undefined where there is none. */
export function takeAhead(client: Client, command: string): OpenChannel | undefined {
  const open = isOpenedAhead(client, command) ? opened.get(client)?.get(command) : undefined
  opened.get(client)?.delete(command)
  open?.channel.pause()
  open?.channel.stderr.pause()
  return open
}

/** Ends the input of all that wait, which are nobody's then. */
export function closeAhead(client: Client): void {
  for (const { channel } of opened.get(client)?.values() ?? []) channel.end()
  opened.delete(client)
}
