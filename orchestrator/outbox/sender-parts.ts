import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import type { ToldNotes } from '../archive/told-notes.ts'
import type { Vault } from '../secrets/vault.ts'
import type { OutboxLimits } from './outbox.ts'

/** What an outbox of HTTP requests is made of. */
export type SenderParts = {
  /** With `maxRetriesPerRequest: null`. Left open by `close`. */
  readonly connection: Redis
  /** Of all keys in Redis, such as `mayfly`. */
  readonly prefix: string
  readonly vault: Pick<Vault, 'get'>
  /** Notes what was told of builds. */
  readonly archive?: Pick<ToldNotes, 'noteTold' | 'told'> | undefined
  readonly now: () => Date
  /** Milliseconds that no clock's setting changes. @defaultValue performance.now */
  readonly monotonic?: (() => number) | undefined
  readonly log: Logger
  /** undici's, for tests and proxies. */
  readonly dispatcher?: Dispatcher
  /** `timeout`: ms until an answer has to be there. */
  readonly limits?: Partial<OutboxLimits & { readonly timeout: number }>
}
