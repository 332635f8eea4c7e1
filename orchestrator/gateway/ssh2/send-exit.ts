import type { ServerChannel } from 'ssh2'
import type { Inside } from '../../../runner/ssh/ssh2/inside.ts'

/** How a command ended: its status or the signal that killed it; undefined when the machine said neither. */
export type Exit =
  | { readonly code: number }
  | { readonly signal: string; readonly dumped: boolean; readonly text: string }
  | undefined

type Outgoing = { readonly id: number; state: 'open' | 'eof' | 'closing' | 'closed' }

/** What OpenSSH's own client makes of an end that it has no number for. */
const unknownExit = 255

/**
 * Keeps ssh2 from answering a client's close at once. OpenSSH's client closes a channel as soon as both sides have said
 * that they write no more, and waits for the exit status then. From now on only `sendExit` closes this channel.
 */
export function holdClose(channel: ServerChannel): void {
  channel.close = () => {}
}

/** Whether output can still be written to it. */
export function isOpen(channel: ServerChannel): boolean {
  return (channel.outgoing as Outgoing).state === 'open'
}

/** Passes on how a command ended, and closes the channel, once. All its output must have been written. */
export function sendExit({ _protocol: protocol }: Inside, channel: ServerChannel, exit: Exit): void {
  const outgoing = channel.outgoing as Outgoing
  if (outgoing.state === 'closing' || outgoing.state === 'closed') return
  channel.eof()
  // Not the channel's own `exit`, which says nothing after the end of output, though the protocol has it in either order.
  if (exit !== undefined) say(protocol, outgoing.id, exit)
  outgoing.state = 'closing'
  protocol.channelClose(outgoing.id)
  channel.end()
}

function say(protocol: Inside['_protocol'], id: number, exit: Exclude<Exit, undefined>): void {
  if ('code' in exit) {
    protocol.exitStatus(id, exit.code)
    return
  }
  try {
    protocol.exitSignal(id, exit.signal, exit.dumped, exit.text)
  } catch {
    // ssh2 knows the thirteen signals of RFC 4254 and throws on others, like SYS.
    protocol.exitStatus(id, unknownExit)
  }
}
