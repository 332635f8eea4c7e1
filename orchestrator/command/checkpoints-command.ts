import { Command } from 'commander'
import { formatDuration } from '../../config/duration.ts'
import { formatSize } from '../../config/size.ts'
import { checkpointsFolder } from '../../runner/template/filenames.ts'
import { listTemplates } from '../../runner/template/template-shelf.ts'
import { removeFrozen, shownFrozen, stateOf } from './frozen-shelf.ts'
import { type HostOptions, openThisHost, withHostOptions } from './host-options.ts'
import { printJson } from './print-json.ts'
import { formatTable } from './view/format-table.ts'

type Options = HostOptions & { readonly json?: true }

/** `mayfly checkpoints …`: what the setups of jobs made, from which later jobs start. */
export function checkpointsCommand(): Command {
  const checkpoints = new Command('checkpoints').description(
    'the machines on this host that were frozen after the `setup` of a job: list, remove',
  )
  const add = (name: string, description: string) => {
    const command = withHostOptions(new Command(name).description(description)).option('--json', 'print JSON')
    checkpoints.addCommand(command)
    return command
  }
  add('ls', 'list the checkpoints of this host').action(list)
  add('rm', 'remove a checkpoint, so that its setup runs again; machines that were started from it run on')
    .argument('<key>', 'its key, or `all`')
    .action(remove)
  return checkpoints
}

async function list(options: Options): Promise<void> {
  const { dataFolder } = await openThisHost(options)
  const found = await listTemplates(checkpointsFolder(dataFolder))
  if (options.json) return printJson(found.map(shownFrozen))
  const rows = found.map((each) => {
    const { key, manifest, lastUsed } = each
    const { scope = '', job = '', setupMs = 0 } = manifest.checkpoint ?? {}
    return [
      key,
      manifest.image.name,
      scope,
      job,
      formatDuration(setupMs),
      stateOf(each),
      formatSize(manifest.bytes),
      `${formatDuration(Date.now() - Date.parse(manifest.made))} ago`,
      `${formatDuration(Date.now() - lastUsed)} ago`,
    ]
  })
  const heads = ['KEY', 'IMAGE', 'OF', 'MADE BY', 'SETUP', 'STATE', 'SIZE', 'MADE', 'USED']
  process.stdout.write(formatTable(heads, rows))
}

async function remove(key: string, options: Options): Promise<void> {
  const { dataFolder } = await openThisHost(options)
  await removeFrozen({ shelf: checkpointsFolder(dataFolder), kind: 'checkpoint', key, json: options.json })
}
