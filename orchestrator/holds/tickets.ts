import type { Redis } from 'ioredis'
import type { LoginUse } from '../gateway/gateway.ts'

/** A key that lets its holder log in to the gateway once, soon, as somebody who was let in elsewhere. */
export type Ticket = {
  readonly job: string
  /** One line as in ~/.ssh/id_ed25519.pub. */
  readonly publicKey: string
  /** For the audit record. */
  readonly who: string
  readonly use: LoginUse
}

/** One that can still be used; `spend` says whether this was the first time, and in time. */
export type LiveTicket = Ticket & { spend(): Promise<boolean> }

export type Tickets = {
  write(ticket: Ticket): Promise<void>
  ofJob(job: string): Promise<readonly LiveTicket[]>
}

/** milliseconds from a ticket to its login */
const ticketMs = 30_000

type Kept = Ticket & { readonly expires: number }

/**
 * Tickets that whoever answers HTTP writes and the gateway of the machine's host reads: one hash in Redis for each job,
 * by public key.
 */
export function createTickets({
  redis,
  prefix,
  now,
}: {
  redis: Redis
  prefix: string
  now: () => Date
}): Tickets {
  const nameOf = (job: string) => `${prefix}:debug-tickets:${job}`
  return {
    async write(ticket) {
      const name = nameOf(ticket.job)
      const kept: Kept = { ...ticket, expires: now().getTime() + ticketMs }
      const written = await redis
        .multi()
        .hset(name, ticket.publicKey, JSON.stringify(kept))
        .pexpire(name, ticketMs)
        .exec()
      const failed = written?.find(([error]) => error !== null)?.[0]
      if (failed) throw failed
    },
    async ofJob(job) {
      const name = nameOf(job)
      const all = Object.values(await redis.hgetall(name)).map((value) => JSON.parse(value) as Kept)
      const isLive = ({ expires }: Kept) => expires > now().getTime()
      return all.filter(isLive).map((kept) => {
        const { publicKey, who, use } = kept
        // Of two who show the same key, Redis lets one delete it.
        const spend = async () => (await redis.hdel(name, publicKey)) === 1 && isLive(kept)
        return { job, publicKey, who, use, spend }
      })
    },
  }
}
