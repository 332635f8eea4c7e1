import type { Writable } from 'node:stream'
import type { Logger } from 'pino'
import type { Client } from 'ssh2'
import type { ConsoleInput } from '../../runner/machine/machine.ts'
import type { AuditEntry, ChannelKind } from './audit-entry.ts'
import type { GatewayLimits } from './gateway-limits.ts'

/** SSH in front of held machines: `ssh -p PORT JOB@host`. */
export type Gateway = {
  readonly port: number
  /** Ends every session, and resolves when no connection is left. What runs in the machines goes on. */
  close(): Promise<void>
  sessions(): readonly SessionView[]
  /**
   * Ends the sessions in one job's machine, whose users are told why, and resolves when they are over, in at most 3
   * seconds. New ones are `authorize`'s to refuse.
   */
  endSessionsOf(job: string, why: string): Promise<void>
}

export type GatewayOptions = {
  /** OpenSSH PEM, ed25519: see `loadGatewayHostKey`. */
  readonly hostKey: string
  readonly listen: { readonly host: string; readonly port: number }
  /** Who may enter a job's machine; asked once for each connection, at its first word. */
  readonly authorize: (job: string) => Promise<Authorization>
  /** A new connection to that machine's sshd, logged in as its login user; the gateway ends it. */
  readonly connect: (job: string, signal: AbortSignal) => Promise<Client>
  /** The way to type on that machine's serial console; the gateway closes it. */
  readonly openConsole: (job: string, signal: AbortSignal) => Promise<ConsoleInput>
  /** Called in order, and never awaited. */
  readonly audit: (entry: AuditEntry) => void
  /** Where the recording of a terminal goes: asciinema v2, in whole lines, ended by the gateway. */
  readonly record: (terminal: Terminal) => Writable
  readonly limits?: Partial<GatewayLimits>
  readonly log: Logger
}

export type Authorization =
  | {
      readonly kind: 'open'
      readonly keys: readonly {
        /** Name of the maintainer, for the audit record. */
        readonly who: string
        /** As `parsePublicKey` reads it; one that it refuses lets nobody in. */
        readonly publicKey: string
        /** `console` lets its holder type on the serial console and do nothing else. @defaultValue 'shell' */
        readonly use?: LoginUse
        /** Of a key that is good for one login: whether this is it. */
        readonly spend?: () => Promise<boolean>
      }[]
      /** Every session ends by force then. */
      readonly until: Date
      /** Shown in front of a shell: what failed in this job. */
      readonly greeting?: string
    }
  /** `why` is shown to whoever asks, before any key was seen. */
  | { readonly kind: 'refused'; readonly why: string }

export type LoginUse = 'shell' | 'console'

/** A login that is in a machine. */
export type SessionView = {
  readonly id: string
  readonly job: string
  readonly who: string
  readonly fingerprint: string
  /** `address:port` */
  readonly from: string
  readonly since: Date
  readonly until: Date
  readonly channels: readonly { readonly kind: ChannelKind; readonly detail: string }[]
  /** bytes */
  readonly toMachine: number
  /** bytes */
  readonly fromMachine: number
}

/** A shell, or a command that was given a terminal. */
export type Terminal = {
  readonly session: string
  /** Counts from 1 in its session. */
  readonly channel: number
  readonly job: string
  readonly who: string
  readonly at: Date
  /** Empty for a shell. */
  readonly command: string
}
