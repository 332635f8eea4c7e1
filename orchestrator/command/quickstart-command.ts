import { rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Command } from 'commander'
import { jobDefaults } from '../../config/defaults.ts'
import { packageRoot } from '../../images/package-root.ts'
import { type HostOptions, openThisHost, withHostOptions } from './host-options.ts'
import { catchInterrupts } from './interrupts.ts'
import { quickstart } from './quickstart/quickstart.ts'
import { locate } from './run/locate.ts'
import { ownMachineFolders } from './run/own-machine-folders.ts'

/** `mayfly quickstart`: a first build through a server of its own, which ends with it. */
export function quickstartCommand(): Command {
  const command = new Command('quickstart')
    .description('start a server, build an example through it, show the verdict, end the server')
    .argument('[file]', 'pipeline file (default: config/examples/hello.yml of Mayfly itself)')
  return withHostOptions(command).action(run)
}

async function run(named: string | undefined, options: HostOptions): Promise<void> {
  const thisHost = await openThisHost(options)
  const { dataFolder } = thisHost
  const example = relative(process.cwd(), join(packageRoot(), 'config', 'examples', 'hello.yml'))
  const { file, directory } = locate({ named: named ?? example, dir: undefined, fileName: jobDefaults.file })
  const serverLog = join(dataFolder, 'quickstart.log')
  const { pino } = await import('pino')
  const log = pino({ level: 'info' }, pino.destination({ dest: serverLog, append: false, sync: true }))
  const interrupts = catchInterrupts({
    onFirst: () => undefined,
    onHard: () => {
      for (const folder of ownMachineFolders(dataFolder)) rmSync(folder, { recursive: true, force: true })
    },
  })
  try {
    const { signal } = interrupts
    const dataNamed = options.data ?? (process.env.MAYFLY_DATA || undefined)
    const order = { ...thisHost, env: process.env, log, file, directory, named: dataNamed }
    process.exitCode = await quickstart({ ...order, out: process.stdout, signal })
    if (process.exitCode !== 0 && !signal.aborted) process.stderr.write(`the server's log: ${serverLog}\n`)
  } finally {
    interrupts.end()
  }
}
