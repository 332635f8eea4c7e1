import { Command } from 'commander'
import { withHostOptions } from './host-options.ts'
import type { ReproOptions } from './repro/repro.ts'
import { withClientOptions } from './server/client-options.ts'

/** `mayfly repro JOB`: a past job once more on this computer, as far as the step that failed. */
export function reproCommand(): Command {
  const command = new Command('repro')
    .description(
      'run a past job on this computer, as far as the step that failed, and open its machine there',
    )
    .argument('<job>', 'of a server, or of an earlier mayfly run')
    .option('--clone <folder>', 'clone that has its commit (default: the current folder, if it has it)')
    .option('--through', 'run the step that failed as well')
    .option('--any-image', 'go on where the image here is another than that of the job')
    .option(
      '--secret <name[=value]>',
      'a secret of the job, from the environment without a value',
      collect,
      [],
    )
    .option('--keep-for <time>', 'where nobody is at a terminal: how long the machine waits', '30m')
  return withHostOptions(withClientOptions(command)).action(run)
}

// What it needs is a lot, and other commands need none of it.
async function run(id: string, options: ReproOptions): Promise<void> {
  const { repro } = await import('./repro/repro.ts')
  await repro(id, options)
}

function collect(value: string, values: readonly string[]): string[] {
  return [...values, value]
}
