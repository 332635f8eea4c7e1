import { Command, Option } from 'commander'
import { type HostOptions, openThisHost, withHostOptions } from './host-options.ts'
import { serveUntilTold } from './serve-until-told.ts'

type ServeOptions = HostOptions & { readonly role: 'all' | 'web' | 'worker' }

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
  // Every other command is spared it.
  const { pino } = await import('pino')
  const log = pino({ level: process.env.MAYFLY_LOG_LEVEL ?? 'info' })
  await serveUntilTold({ ...thisHost, role: options.role, env: process.env, log })
}
