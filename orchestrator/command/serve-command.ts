import { Command, Option } from 'commander'
import { pino } from 'pino'
import { type HostOptions, openThisHost, withHostOptions } from './host-options.ts'
import { catchInterrupts } from './interrupts.ts'

type ServeOptions = HostOptions & { readonly role: 'all' | 'web' | 'worker' }

/** Time that running jobs have to end when the server is told to; those that have not are put back in line. */
const graceMs = 10_000

/** `mayfly serve`: the orchestrator, until it is told to end. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .description('take webhooks, run builds, show them; with no Redis configured it brings its own')
    .addOption(
      new Option('--role <role>', 'what this process does').choices(['all', 'web', 'worker']).default('all'),
    )
  return withHostOptions(command).action(run)
}

async function run(options: ServeOptions): Promise<void> {
  const thisHost = await openThisHost(options)
  const log = pino({ level: process.env.MAYFLY_LOG_LEVEL ?? 'info' })
  const stopping = new Promise<void>((resolve) => {
    const interrupts = catchInterrupts({ onFirst: () => resolve(), onHard: () => undefined })
    void interrupts
  })
  // Loaded here, for the server's libraries would cost every other command 35 MB and as much time as its own start.
  const { serve } = await import('../serve/serve.ts')
  const server = await serve({ ...thisHost, role: options.role, env: process.env, log })
  process.stdout.write(
    server.url === undefined ? 'mayfly worker is ready\n' : `mayfly is ready: ${server.url}\n`,
  )
  await stopping
  process.stdout.write('stopping: running jobs end or are put back\n')
  await server.stop({ graceMs })
}
