import type { ServeOrder } from '../serve/serve.ts'
import { catchInterrupts } from './interrupts.ts'

/** Time that running jobs have to end when the server is told to; those that have not are put back in line. */
const standardGraceMs = 10_000

/**
 * Serves until SIGTERM, SIGINT or SIGHUP, and says on standard output where. Takes nothing new then, gives running jobs
 * `graceMs` to end, puts the others back in line, and resolves. A second signal ends the process at once.
 */
export async function serveUntilTold(order: ServeOrder, graceMs = standardGraceMs): Promise<void> {
  const stopping = new Promise<void>((resolve) => {
    catchInterrupts({ onFirst: resolve, onHard: () => undefined })
  })
  // Loaded here, for the server's libraries would cost every other command 35 MB and as much time as its own start.
  const { serve } = await import('../serve/serve.ts')
  const server = await serve(order)
  process.stdout.write(
    server.url === undefined ? 'mayfly worker is ready\n' : `mayfly is ready: ${server.url}\n`,
  )
  await stopping
  process.stdout.write('stopping: running jobs end or are put back\n')
  await server.stop({ graceMs })
}
