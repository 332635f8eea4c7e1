import { Command, Option } from 'commander'
import { loadHostConfig } from '../../config/host/load-host-config.ts'
import { exitCodes } from './exit-codes.ts'

type Options = { readonly config?: string; readonly role: 'web' | 'worker' }

/** `mayfly health`: for whatever watches over a server, such as a container engine. */
export function healthCommand(): Command {
  return new Command('health')
    .description(
      'whether the server that runs here does its work: exit code 0, or 3 and what keeps it from it',
    )
    .addOption(
      new Option('--role <role>', 'which process is asked after').choices(['web', 'worker']).default('web'),
    )
    .option('--config <file>', 'host file (default: $MAYFLY_CONFIG, else /etc/mayfly/mayfly.yml)')
    .action(run)
}

async function run({ config, role }: Options): Promise<void> {
  const host = await loadHostConfig({ file: config, env: process.env })
  const { checkHealth } = await import('../health/check-health.ts')
  const fault = await checkHealth(role, host)
  if (fault === undefined) return
  process.stderr.write(`${fault}\n`)
  process.exitCode = exitCodes.infrastructure
}
