import type { LiveTicket, Tickets } from '../../../orchestrator/holds/tickets.ts'

/** Tickets as in Redis, in memory. */
export function memoryTickets(): Tickets & { live: () => readonly LiveTicket[] } {
  let kept: LiveTicket[] = []
  return {
    write: async (ticket) => {
      const live: LiveTicket = {
        ...ticket,
        spend: async () => {
          const isFirst = kept.includes(live)
          kept = kept.filter((one) => one !== live)
          return isFirst
        },
      }
      kept.push(live)
    },
    ofJob: async (job) => kept.filter((ticket) => ticket.job === job),
    live: () => kept,
  }
}
