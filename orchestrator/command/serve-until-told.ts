import { formatDuration } from '../../config/duration.ts'
import type { ServeOrder } from '../serve/serve-order.ts'
import { catchInterrupts } from './interrupts.ts'

/** Time that running jobs have to end when the server is told to; those that have not are put back in line. */
const standardGraceMs = 10_000

/**
 * Serves until SIGTERM, SIGINT or SIGHUP, and says on standard output where. Takes nothing new then, gives running jobs
 * `graceMs` to end, puts the others back in line, and resolves. With SIGTERM, which is how a service is restarted, jobs
 * stay in their machines for the next server where the host file says so, and the process ends. A second signal ends it
 * at once.
 */
export async function serveUntilTold(order: ServeOrder, graceMs = standardGraceMs): Promise<void> {
  const stopping = new Promise<NodeJS.Signals>((resolve) => {
    catchInterrupts({ onFirst: resolve, onHard: () => undefined })
  })
  // Loaded here, for the server's libraries would cost every other command 35 MB and as much time as its own start.
  const { serve } = await import('../serve/serve.ts')
  const server = await serve(order)
  process.stdout.write(
    server.url === undefined ? 'mayfly worker is ready\n' : `mayfly is ready: ${server.url}\n`,
  )
  const told = await stopping
  const leave = told === 'SIGTERM' && order.host.stop.running === 'leave'
  process.stdout.write(
    `stopping: running jobs ${leave ? 'go on in their machines' : 'end or are put back'}\n`,
  )
  const left = await server.stop({ graceMs, leave })
  if (left.length === 0) return
  const time = formatDuration(order.host.stop.orphaned)
  process.stdout.write(`left to the next server, which has ${time} to come: ${left.join(', ')}\n`)
  // Nothing else ends what still talks to those machines.
  process.exit(0)
}
