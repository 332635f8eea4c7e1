import { Command, Option } from 'commander'
import { jobDefaults } from '../../config/defaults.ts'
import { loadPipeline } from '../../config/pipeline/load-pipeline.ts'
import { sweepMachines } from '../../runner/machine/sweep-machines.ts'
import { exitCodeOfJobs } from './exit-codes.ts'
import { type HostOptions, openThisHost, withHostOptions } from './host-options.ts'
import { catchInterrupts } from './interrupts.ts'
import type { KeepMachine } from './kept/keep-machines.ts'
import { ownTerminal, parseKeepFor } from './kept/keep-options.ts'
import { locate } from './run/locate.ts'
import { clearOwnMachines } from './run/own-machine-folders.ts'
import { readSecrets } from './run/read-secrets.ts'
import { runPipeline } from './run/run-pipeline.ts'
import { selectJobs } from './run/select-jobs.ts'
import { createView } from './view/create-view.ts'

type RunOptions = HostOptions & {
  readonly job?: string
  readonly dir?: string
  readonly image?: string
  readonly console?: true
  readonly secret?: string[]
  readonly json?: true
  readonly onFailure: 'keep' | 'park' | 'destroy'
  readonly keepFor: string
}

/** `mayfly run [FILE]`: a pipeline file on this computer, in the same machines as a server's. */
export function runCommand(): Command {
  const command = new Command('run')
    .description('run a pipeline file on this computer, each job in a fresh machine')
    .argument('[file]', `pipeline file, or a folder that holds one (default: ${jobDefaults.file})`)
    .option('--job <name>', 'run only this job')
    .option('--dir <folder>', 'folder to upload (default: the one that holds the pipeline file)')
    .option('--image <name>', 'start from this image instead of the one that the file names')
    .option('--console', 'show the boot console as well')
    .option(
      '--secret <name[=value]>',
      'a secret of the job, from the environment without a value',
      collect,
      [],
    )
    .option('--json', 'print events as JSON, one a line')
    .addOption(
      new Option('--on-failure <what>', 'keep, park or destroy the machine of a job that failed')
        .choices(['keep', 'park', 'destroy'])
        .default('destroy'),
    )
    .option('--keep-for <time>', 'with keep, and nobody at a terminal: how long it waits', '30m')
  return withHostOptions(command).action(run)
}

async function run(named: string | undefined, options: RunOptions): Promise<void> {
  const keepFor = parseKeepFor(options.keepFor)
  const { host, dataFolder, shelf } = await openThisHost(options)
  const { file, directory } = locate({ named: named ?? '.', dir: options.dir, fileName: host.pipelineFile })
  const pipeline = await loadPipeline({ file })
  const jobs = selectJobs(pipeline, options.job).map((job) =>
    options.image === undefined ? job : { ...job, image: options.image },
  )
  // The file is judged as a whole before anything starts, the names of its images included.
  for (const job of jobs) shelf.checkName(job.image ?? host.defaultImage)
  const secrets = readSecrets({ jobs, given: options.secret ?? [], env: process.env })
  await sweepMachines(dataFolder)
  const view = createView({ json: options.json === true, console: options.console === true })
  const interrupts = catchInterrupts({
    onFirst: () => view.interrupted(),
    onHard: () => clearOwnMachines(dataFolder),
  })
  const { signal } = interrupts
  const terminal = options.json === true ? undefined : ownTerminal()
  const dataFlag = options.data
  // Loaded only where they are asked for: most runs destroy.
  const become: Readonly<Record<RunOptions['onFailure'], () => Promise<KeepMachine | undefined>>> = {
    keep: async () => {
      const { keepMachines } = await import('./kept/keep-machines.ts')
      return keepMachines({ terminal, keepFor, dataFlag, view, signal })
    },
    park: async () => {
      const { parkMachines } = await import('./kept/park-machines.ts')
      return parkMachines({ dataFolder, dataFlag, view, signal })
    },
    destroy: async () => undefined,
  }
  try {
    const records = await runPipeline({
      jobs,
      secrets,
      host,
      dataFolder,
      shelf,
      directory,
      signal,
      view,
      keep: await become[options.onFailure](),
    })
    process.exitCode = exitCodeOfJobs(records)
  } finally {
    interrupts.end()
    view.close()
  }
}

function collect(value: string, values: string[]): string[] {
  return [...values, value]
}
