export type ChannelKind = 'shell' | 'exec' | 'sftp' | 'forward' | 'console'

/** Bytes that went through, and how long it took. */
type Traffic = { readonly toMachine: number; readonly fromMachine: number; readonly ms: number }

type Common = {
  readonly at: Date
  /** `address:port` of the client */
  readonly from: string
  /** The user name that was given, which names a job; empty when the client never said one. */
  readonly job: string
}

type Person = {
  /** The session's id; all entries of one login have the same. */
  readonly session: string
  /** The maintainer whose key it is. */
  readonly who: string
  /** `SHA256:...` of that key */
  readonly fingerprint: string
}

/** What happened at the gateway, in the order in which it happened. */
export type AuditEntry = Common &
  (
    | ({ readonly what: 'login'; readonly until: Date } & Person)
    /** Nobody got in; `fingerprints` are the keys that were shown, at most 20. */
    | { readonly what: 'refused'; readonly why: string; readonly fingerprints: readonly string[] }
    /** Somebody who is in asked for what nobody gets: a forward elsewhere, an agent, X11. */
    | ({ readonly what: 'denied'; readonly why: string } & Person)
    /** `detail` is the command or the port, at most 1000 characters; `channel` counts from 1 in a session. */
    | ({
        readonly what: 'opened'
        readonly channel: number
        readonly kind: ChannelKind
        readonly detail: string
      } & Person)
    /** `exit` is a status, a signal's name, or undefined where the machine gave neither. */
    | ({
        readonly what: 'closed'
        readonly channel: number
        readonly kind: ChannelKind
        readonly exit: number | string | undefined
      } & Person &
        Traffic)
    | ({ readonly what: 'ended'; readonly why: string } & Person & Traffic)
  )

/** Everything but what the session itself knows. */
export type SessionAudit = AuditEntry extends infer Entry
  ? Entry extends Person
    ? Omit<Entry, keyof Common | keyof Person>
    : never
  : never
