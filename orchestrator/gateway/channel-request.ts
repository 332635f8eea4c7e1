import type { Client, ClientChannel, PseudoTtyInfo, PseudoTtyOptions } from 'ssh2'
import type { ChannelKind } from './audit-entry.ts'

/** What a client wants of a session channel, once it has said all. */
export type ChannelRequest = {
  readonly kind: Exclude<ChannelKind, 'forward' | 'console'>
  /** Empty but for `exec`. */
  readonly command: string
  readonly pty: PseudoTtyInfo | undefined
  readonly env: Readonly<Record<string, string>>
}

type Done = (error: Error | undefined, channel: ClientChannel) => void

/** Asks the machine for the same. The modes of the terminal are not among it, for ssh2's server does not read them. */
export function requestOf(request: ChannelRequest): (machine: Client, done: Done) => void {
  const { kind, command, env } = request
  const pty = request.pty === undefined ? undefined : ptyOf(request.pty)
  switch (kind) {
    case 'shell':
      return (machine, done) => machine.shell(pty ?? false, { env }, done)
    case 'exec':
      return (machine, done) => machine.exec(command, { env, ...(pty === undefined ? {} : { pty }) }, done)
    case 'sftp':
      return (machine, done) => machine.subsys('sftp', done)
  }
}

function ptyOf({ term, cols, rows, width, height }: PseudoTtyInfo): PseudoTtyOptions {
  return { term: termOf(term), cols, rows, width, height }
}

/** The name of a terminal, or one that is everywhere. */
export function termOf(term: string): string {
  return /^[\w.+-]{1,64}$/.test(term) ? term : 'xterm'
}
