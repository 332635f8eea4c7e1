import { Command } from 'commander'
import { formatDuration, parseDuration } from '../../config/duration.ts'
import { InfraError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'
import type { ShelfImage } from '../../images/image.ts'
import type { OnImageProgress } from '../../images/image-progress.ts'
import type { ListedImage } from '../../images/shelf/list-images.ts'
import type { Shelf } from '../../images/shelf.ts'
import { type HostOptions, openThisHost, withHostOptions } from './host-options.ts'
import { catchInterrupts } from './interrupts.ts'
import { printJson } from './print-json.ts'
import { formatTable } from './view/format-table.ts'
import { createImageLine } from './view/image-line.ts'
import { isLive } from './view/is-live.ts'
import { createStatusLine } from './view/status-line.ts'

type Options = HostOptions & { readonly json?: true; readonly force?: true; readonly maxAge?: string }

/** `mayfly images …`: the shelf of this host. */
export function imagesCommand(): Command {
  const images = new Command('images').description(
    'the images on this host: list, pull, build, verify, remove',
  )
  const add = (usage: string, description: string, action: (...args: never[]) => Promise<void>) => {
    const command = withHostOptions(new Command(usage.split(' ')[0]).description(description)).option(
      '--json',
      'print JSON',
    )
    if (usage.includes(' ')) command.argument(usage.slice(usage.indexOf(' ') + 1))
    images.addCommand(command.action(action as (...args: unknown[]) => Promise<void>))
    return command
  }
  add('ls', 'list every image of the catalogue, here or not', list)
  add('pull <image>', 'download an image, or a newer version of it', pull)
  add('build <image>', 'make an image on this host from packages', build).option(
    '--force',
    'also when nothing that goes into it has changed',
  )
  add('verify <image>', 'read every byte of an image and compare its digests', verify)
  add('rm <image>', 'remove an image; refused while a machine stands on it', remove)
  add('gc', 'remove superseded versions and what broken downloads left', collect).option(
    '--max-age <duration>',
    'keep what is younger, such as 7d',
  )
  return images
}

async function list(options: Options): Promise<void> {
  const { shelf } = await openThisHost(options)
  const images = await shelf.list()
  if (options.json) return printJson(images)
  const rows = images.map((image) => [
    image.name,
    image.problem ?? (image.present ? 'here' : 'absent'),
    image.size === undefined ? '' : formatSize(image.size),
    image.digest?.slice(7, 19) ?? '',
    image.age === undefined ? '' : formatDuration(image.age),
    usage(image),
  ])
  process.stdout.write(formatTable(['NAME', 'STATE', 'SIZE', 'DIGEST', 'AGE', 'FROM'], rows))
}

function usage({ source, users }: ListedImage): string {
  const used = users.length === 0 ? '' : `, in use by ${users.length}`
  return `${source === 'build' ? 'built here' : source}${used}`
}

async function pull(name: string, options: Options): Promise<void> {
  await bring(options, (shelf, watched) => shelf.pull(name, watched))
}

async function build(name: string, options: Options): Promise<void> {
  await bring(options, (shelf, watched) => shelf.build(name, { ...watched, force: options.force === true }))
}

type Watched = { signal: AbortSignal; onProgress: OnImageProgress }

async function bring(
  options: Options,
  work: (shelf: Shelf, watched: Watched) => Promise<ShelfImage>,
): Promise<void> {
  const { shelf } = await openThisHost(options)
  const image = await watch(options, (watched) => work(shelf, watched))
  if (options.json) return printJson(image)
  process.stdout.write(`${image.name} ${image.digest} ${image.disk}\n`)
}

async function verify(name: string, options: Options): Promise<void> {
  const { shelf } = await openThisHost(options)
  const damage = await watch(options, (watched) => shelf.verify(name, watched))
  if (options.json) printJson({ name, damage })
  if (damage.length > 0) {
    const found = damage.map((one) => `${one.file}: expected ${one.expected}, found ${one.found}`).join('\n')
    throw new InfraError('image', `image "${name}" is damaged:\n${found}`, {
      hint: `mayfly images rm ${name}, then pull or build it again`,
    })
  }
  if (!options.json) process.stdout.write(`${name}: every byte is as it was\n`)
}

async function remove(name: string, options: Options): Promise<void> {
  const { shelf } = await openThisHost(options)
  const freed = await shelf.rm(name)
  if (options.json) return printJson({ name, freed })
  process.stdout.write(`${name}: removed, ${formatSize(freed)} freed\n`)
}

async function collect(options: Options): Promise<void> {
  const { shelf } = await openThisHost(options)
  const garbage = await shelf.gc(
    options.maxAge === undefined ? {} : { maxAge: parseDuration(options.maxAge) },
  )
  if (options.json) return printJson(garbage)
  for (const { path, freed } of garbage) process.stdout.write(`removed ${path} (${formatSize(freed)})\n`)
  const total = garbage.reduce((sum, { freed }) => sum + freed, 0)
  process.stdout.write(garbage.length === 0 ? 'nothing to remove\n' : `${formatSize(total)} freed\n`)
}

async function watch<T>(options: Options, work: (watched: Watched) => Promise<T>): Promise<T> {
  // Progress goes beside the result, so that the result can be piped.
  const live = isLive(process.stderr) && !options.json
  const status = createStatusLine(process.stderr, live)
  const line = createImageLine(process.stderr, status, live)
  const interrupts = catchInterrupts({ onFirst: () => status.hide(), onHard: () => undefined })
  try {
    return await work({
      signal: interrupts.signal,
      onProgress: (progress) => {
        if (!options.json) line.update(progress)
      },
    })
  } finally {
    line.end()
    status.hide()
    interrupts.end()
  }
}
