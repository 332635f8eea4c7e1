import type { Client, Connection } from 'ssh2'
import { ulid } from 'ulid'
import type { ConsoleInput } from '../../runner/machine/machine.ts'
import type { ChannelKind, SessionAudit } from './audit-entry.ts'
import { connectOnce } from './connect-once.ts'
import type { GatewayOptions, LoginUse, SessionView, Terminal } from './gateway.ts'
import type { GatewayLimits } from './gateway-limits.ts'
import { readableTime } from './readable-time.ts'
import { disconnect } from './ssh2/disconnect.ts'

/** Somebody whose key was checked. */
export type Login = {
  readonly job: string
  readonly who: string
  readonly fingerprint: string
  /** `address:port` */
  readonly from: string
  readonly until: Date
  readonly greeting: string
  readonly use: LoginUse
}

/** What the channels of a session share. */
export type Session = {
  readonly login: Login
  readonly connection: Connection
  readonly limits: GatewayLimits
  /** The session's connection to its machine. */
  machine(): Promise<Client>
  /** The way to type on the machine's serial console; whoever asked closes it. */
  openConsole(): Promise<ConsoleInput>
  /** Counts a channel in, and keeps it in the record until it is closed. */
  open(kind: ChannelKind, detail: string): SessionChannel
  /** Somebody asked for what nobody gets. */
  deny(why: string): void
  record: GatewayOptions['record']
  view(): SessionView
  end(why: string): void
  /** Resolves when the client is gone, and its end is on record. */
  readonly closed: Promise<void>
}

export type SessionChannel = {
  readonly number: number
  /** Aborted when the client has left it, or the session is over. */
  readonly gone: AbortSignal
  readonly terminal: (command: string) => Terminal
  leave(): void
  toMachine(bytes: number): void
  fromMachine(bytes: number): void
  /** Set where a text can be shown to the user. */
  notice?: (text: string) => Promise<void>
  /** Ends what runs in it, after a last text; resolves when the client has taken both. */
  evict?: (text: string) => Promise<void>
  closed(exit: number | string | undefined): void
}

type OpenSession = {
  connection: Connection
  login: Login
  limits: GatewayLimits
} & Pick<GatewayOptions, 'audit' | 'connect' | 'openConsole' | 'record'>

/** What goes through, in bytes; `since` in ms. */
type Traffic = { toMachine: number; fromMachine: number; readonly since: number }

type Open = { kind: ChannelKind; detail: string; traffic: Traffic; channel: SessionChannel }

const noticeBeforeEndMs = 60_000
/** ms that a client gets to take the last text and to leave by itself */
const lastWordsMs = 1_000
/** Timers of Node hold no more. */
const longestTimerMs = 2 ** 31 - 1
/** After so many things that nobody gets, it is not a mistake any more. */
const mostDenied = 200

/** A login from its first channel to its end, which comes at `until`, after `idleMs`, or when either side leaves. */
export function openSession({ connection, login, limits, ...options }: OpenSession): Session {
  const id = ulid().toLowerCase()
  const { job, who, fingerprint, from, until } = login
  const total: Traffic = { toMachine: 0, fromMachine: 0, since: Date.now() }
  const channels = new Map<number, Open>()
  const over = new AbortController()
  let count = 0
  let denied = 0
  let ending: string | undefined

  const audit = (entry: SessionAudit) =>
    options.audit({ at: new Date(), from, job, session: id, who, fingerprint, ...entry })

  const tell = (how: 'notice' | 'evict', text: string) =>
    Promise.all(Array.from(channels.values(), ({ channel }) => channel[how]?.(`Mayfly: ${text}`)))

  const end = (why: string) => {
    if (ending !== undefined) return
    ending = why
    // At once, a text and the end of the connection would reach a client that reads the end first and leaves.
    const lastWords = setTimeout(() => disconnect(connection, `Mayfly: ${why}`), lastWordsMs)
    connection.once('close', () => clearTimeout(lastWords))
    if (channels.size === 0) disconnect(connection, `Mayfly: ${why}`)
    else void tell('evict', why)
  }

  const msLeft = () => until.getTime() - Date.now()
  const timers = {
    end: setTimeout(() => end(`the time of job ${job} is over`), Math.min(msLeft(), longestTimerMs)),
    notice: setTimeout(
      () => void tell('notice', `this machine is taken away at ${readableTime(until)}, in a minute`),
      Math.min(Math.max(msLeft() - noticeBeforeEndMs, 0), longestTimerMs),
    ),
    idle: setTimeout(
      () => end(`nothing was sent for ${readableSpan(limits.idleMs)}, so the session ends`),
      limits.idleMs,
    ),
  }
  // Who comes in the last minute reads the time in the greeting.
  if (msLeft() <= noticeBeforeEndMs) clearTimeout(timers.notice)

  const add = (traffic: Traffic, direction: 'toMachine' | 'fromMachine', bytes: number) => {
    traffic[direction] += bytes
    total[direction] += bytes
    timers.idle.refresh()
  }

  const open = (kind: ChannelKind, longDetail: string): SessionChannel => {
    count += 1
    const number = count
    const detail = longDetail.slice(0, 1000)
    const traffic: Traffic = { toMachine: 0, fromMachine: 0, since: Date.now() }
    const leaving = new AbortController()
    timers.idle.refresh()
    const channel: SessionChannel = {
      number,
      gone: leaving.signal,
      terminal: (command) => ({ session: id, channel: number, job, who, at: new Date(), command }),
      leave: () => leaving.abort(),
      toMachine: (bytes) => add(traffic, 'toMachine', bytes),
      fromMachine: (bytes) => add(traffic, 'fromMachine', bytes),
      closed: (exit) => {
        if (channels.delete(number)) audit({ what: 'closed', channel: number, kind, exit, ...spent(traffic) })
      },
    }
    channels.set(number, { kind, detail, traffic, channel })
    audit({ what: 'opened', channel: number, kind, detail })
    return channel
  }

  const close = () => {
    for (const timer of Object.values(timers)) clearTimeout(timer)
    for (const { channel } of channels.values()) {
      channel.leave()
      channel.closed(undefined)
    }
    over.abort(new Error('the session is over'))
    ending ??= 'the client left'
    audit({ what: 'ended', why: ending, ...spent(total) })
  }
  const closed = new Promise<void>((resolve) => {
    connection.once('close', () => {
      close()
      resolve()
    })
  })
  audit({ what: 'login', until })

  return {
    ...{ login, connection, limits, open, end, closed, record: options.record },
    openConsole: () => options.openConsole(job, over.signal),
    machine: connectOnce({ connect: options.connect, job, signal: over.signal, onLost: end }),
    deny: (why) => {
      if (ending !== undefined) return
      denied += 1
      audit({ what: 'denied', why })
      if (denied >= mostDenied) end(`${denied} requests were refused`)
    },
    view: () => ({
      ...{ id, job, who, fingerprint, from, until, since: new Date(total.since) },
      channels: Array.from(channels.values(), ({ kind, detail }) => ({ kind, detail })),
      toMachine: total.toMachine,
      fromMachine: total.fromMachine,
    }),
  }
}

function spent({ toMachine, fromMachine, since }: Traffic) {
  return { toMachine, fromMachine, ms: Date.now() - since }
}

function readableSpan(ms: number): string {
  return ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
