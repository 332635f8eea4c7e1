import { Command } from 'commander'
import { formatDuration } from '../../config/duration.ts'
import { ConfigError } from '../../config/errors.ts'
import { formatSize, parseSize } from '../../config/size.ts'
import type { Resources } from '../../images/image.ts'
import type { OnImageProgress } from '../../images/image-progress.ts'
import { resolveResources } from '../../runner/job/resolve-resources.ts'
import { findHostParts } from '../../runner/start-on-host.ts'
import { ensureTemplate } from '../../runner/template/ensure-template.ts'
import { templatesFolder } from '../../runner/template/filenames.ts'
import { listTemplates } from '../../runner/template/template-shelf.ts'
import { removeFrozen, shownFrozen, stateOf } from './frozen-shelf.ts'
import { type HostOptions, openThisHost, withHostOptions } from './host-options.ts'
import { catchInterrupts } from './interrupts.ts'
import { printJson } from './print-json.ts'
import { formatTable } from './view/format-table.ts'
import { createImageLine } from './view/image-line.ts'
import { isLive } from './view/is-live.ts'
import { createStatusLine } from './view/status-line.ts'

type Options = HostOptions & { readonly json?: true }
type BuildOptions = Options & { readonly cpus?: string; readonly memory?: string; readonly disk?: string }

/** `mayfly templates …`: the frozen machines of this host, from which others start. */
export function templatesCommand(): Command {
  const templates = new Command('templates').description(
    'the frozen machines on this host, from which others start: list, build, remove',
  )
  const add = (name: string, description: string) => {
    const command = withHostOptions(new Command(name).description(description)).option('--json', 'print JSON')
    templates.addCommand(command)
    return command
  }
  add('ls', 'list the templates of this host').action(list)
  add('build', 'boot a machine of an image and freeze it, if that was not done before')
    .argument('[image]', 'name of the image (default: the default image of the host)')
    .option('--cpus <number>', 'virtual processors of its machines')
    .option('--memory <size>', 'memory of its machines, such as 2GiB')
    .option('--disk <size>', 'disk of its machines, such as 10GiB')
    .action(build)
  add('rm', 'remove a template; machines that were started from it run on')
    .argument('<key>', 'its key, or `all`')
    .action(remove)
  return templates
}

async function list(options: Options): Promise<void> {
  const { dataFolder } = await openThisHost(options)
  const templates = await listTemplates(templatesFolder(dataFolder))
  if (options.json) return printJson(templates.map(shownFrozen))
  const rows = templates.map((template) => {
    const { key, manifest, lastUsed } = template
    const { cpus, memory, disk } = manifest.resources
    return [
      key,
      manifest.image.name,
      `${cpus} cpus, ${formatSize(memory)}, ${formatSize(disk)} disk`,
      stateOf(template),
      formatSize(manifest.bytes),
      `${formatDuration(Date.now() - lastUsed)} ago`,
    ]
  })
  process.stdout.write(formatTable(['KEY', 'IMAGE', 'MACHINE', 'STATE', 'SIZE', 'USED'], rows))
}

async function build(image: string | undefined, options: BuildOptions): Promise<void> {
  const { host, dataFolder, shelf } = await openThisHost(options)
  const live = isLive(process.stderr) && !options.json
  const status = createStatusLine(process.stderr, live)
  const line = createImageLine(process.stderr, status, live)
  const interrupts = catchInterrupts({ onFirst: () => status.hide(), onHard: () => undefined })
  const { signal } = interrupts
  const say = (text: string) => {
    status.hide()
    if (!options.json) process.stderr.write(`${text}\n`)
  }
  try {
    const onProgress: OnImageProgress = (progress) => {
      if (!options.json) line.update(progress)
    }
    const found = await shelf.ensure(image ?? host.defaultImage, { signal, onProgress })
    line.end()
    const wanted = askedFor(options)
    const layers = { job: wanted, image: found.profile.resources, host: host.resources }
    const subject = {
      image: found,
      resources: resolveResources(layers),
      ...(await findHostParts({ image: found, signal }, { host, dataFolder })),
    }
    const template = await ensureTemplate({
      ...{ subject, host, dataFolder, signal, insist: true },
      onNote: say,
      onGate: ({ name, ms }) => say(`${name} ${formatDuration(ms)}`),
      onConsole: () => undefined,
    })
    if (options.json) return printJson(shownFrozen({ ...template, users: [], fault: undefined }))
    const { bootMs, freezeMs, bytes } = template.manifest
    process.stdout.write(
      `template ${template.key}: booted in ${formatDuration(bootMs)}, frozen in ${formatDuration(freezeMs)}, ${formatSize(bytes)}\n`,
    )
  } finally {
    line.end()
    status.hide()
    interrupts.end()
  }
}

function askedFor({ cpus, memory, disk }: BuildOptions): Partial<Resources> {
  const count = Number(cpus ?? 1)
  if (!Number.isInteger(count) || count < 1) {
    throw new ConfigError(`expected a whole number of --cpus, found ${JSON.stringify(cpus)}`)
  }
  return {
    ...(cpus === undefined ? {} : { cpus: count }),
    ...(memory === undefined ? {} : { memory: bytesOf('--memory', memory) }),
    ...(disk === undefined ? {} : { disk: bytesOf('--disk', disk) }),
  }
}

function bytesOf(option: string, text: string): number {
  try {
    return parseSize(text)
  } catch (error) {
    throw new ConfigError(`${option}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function remove(key: string, options: Options): Promise<void> {
  const { dataFolder } = await openThisHost(options)
  await removeFrozen({ shelf: templatesFolder(dataFolder), kind: 'template', key, json: options.json })
}
