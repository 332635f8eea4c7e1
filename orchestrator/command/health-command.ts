import { Command, Option } from 'commander'
import { loadHostConfig } from '../../config/host/load-host-config.ts'
import { exitCodes } from './exit-codes.ts'
import { readTime } from './read-time.ts'

type Options = { readonly config?: string; readonly role: 'web' | 'worker'; readonly wait: string }

/** `mayfly health`: for whatever watches over a server, such as a container engine. */
export function healthCommand(): Command {
  return new Command('health')
    .description(
      'whether the server that runs here does its work: exit code 0, or 3 and what keeps it from it',
    )
    .addOption(
      new Option('--role <role>', 'which process is asked after').choices(['web', 'worker']).default('web'),
    )
    .option('--wait <time>', 'how long to wait until it does', '0s')
    .option('--config <file>', 'host file (default: $MAYFLY_CONFIG, else /etc/mayfly/mayfly.yml)')
    .action(run)
}

async function run({ config, role, wait }: Options): Promise<void> {
  const ms = readTime('--wait', wait)
  const host = await loadHostConfig({ file: config, env: process.env })
  const { awaitHealth } = await import('../health/check-health.ts')
  const fault = await awaitHealth(role, host, ms)
  if (fault === undefined) return
  process.stderr.write(`${fault}\n`)
  process.exitCode = exitCodes.infrastructure
}
