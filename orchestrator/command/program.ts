import { Command } from 'commander'
import { packageVersion } from '../../images/package-version.ts'
import { backupCommands } from './backup-commands.ts'
import { checkpointsCommand } from './checkpoints-command.ts'
import { doctorCommand } from './doctor-command.ts'
import { healthCommand } from './health-command.ts'
import { imagesCommand } from './images-command.ts'
import { quickstartCommand } from './quickstart-command.ts'
import { reindexCommand } from './reindex-command.ts'
import { reproCommand } from './repro-command.ts'
import { runCommand } from './run-command.ts'
import { serveCommand } from './serve-command.ts'
import { adminCommands } from './server/admin-commands.ts'
import { buildCommands } from './server/build-commands.ts'
import { debugCommand } from './server/debug-command.ts'
import { hostsCommand } from './server/hosts-command.ts'
import { templatesCommand } from './templates-command.ts'
import { validateCommand } from './validate-command.ts'

/** The `mayfly` command with all its subcommands; parsing errors throw instead of ending the process. */
export function program(): Command {
  const mayfly = new Command('mayfly')
    .description('CI jobs in virtual machines that live for one job')
    .version(packageVersion())
    .showSuggestionAfterError()
    .showHelpAfterError('(mayfly --help says what there is)')
    .addHelpText('after', exitCodeHelp)
  const local = [
    quickstartCommand(),
    runCommand(),
    reproCommand(),
    validateCommand(),
    imagesCommand(),
    templatesCommand(),
    checkpointsCommand(),
    doctorCommand(),
    reindexCommand(),
    ...backupCommands(),
    healthCommand(),
  ]
  for (const command of [
    ...local,
    serveCommand(),
    ...buildCommands(),
    debugCommand(),
    hostsCommand(),
    ...adminCommands(),
  ])
    mayfly.addCommand(command)
  throwInsteadOfExit(mayfly)
  return mayfly
}

const exitCodeHelp = `
Exit codes: 0 passed, 1 the job failed, 2 bad usage or configuration, 3 the infrastructure failed, 130 interrupted.`

function throwInsteadOfExit(command: Command): void {
  command.exitOverride()
  for (const sub of command.commands) throwInsteadOfExit(sub)
}
