import { Command } from 'commander'
import type { z } from 'zod'
import type { buildPageSchema } from '../../http/schemas/build-schemas.ts'
import { catchInterrupts } from '../interrupts.ts'
import { formatTable } from '../view/format-table.ts'
import { createTerminalText } from '../view/terminal-text.ts'
import { type ClientOptions, openClient, printJson, withClientOptions } from './client-options.ts'
import { followLog } from './follow-log.ts'
import { printBuild, type ShownBuild } from './print-build.ts'
import { retryCommand } from './retry-command.ts'
import { submitCommand } from './submit-command.ts'

type BuildPage = z.output<typeof buildPageSchema>

/** The commands about builds on a server: submit, builds, show, logs, cancel, retry, approve. */
export function buildCommands(): Command[] {
  return [
    submitCommand(),
    withClientOptions(new Command('builds').description('list builds, the newest first'))
      .option('--repository <key>', 'only of this repository, forge:owner/name')
      .option('--branch <name>', 'only of this branch')
      .option('--state <state>', 'only in this state')
      .option('--limit <number>', 'so many', '20')
      .action(list),
    withClientOptions(new Command('show').description('show a build and its jobs'))
      .argument('<build>')
      .action(show),
    withClientOptions(new Command('logs').description('print the log of a job'))
      .argument('<job>')
      .option('-f, --follow', 'go on until the job ends')
      .option('--console', 'the boot console instead')
      .action(logs),
    change('cancel', 'cancel a build and all of its jobs', (id) => `/builds/${id}/cancel`),
    change('approve', "let a fork's pull request run", (id) => `/builds/${id}/approve`),
    retryCommand(),
  ]
}

function change(name: string, description: string, path: (id: string) => string): Command {
  return withClientOptions(new Command(name).description(description))
    .argument('<build>')
    .action(async (id: string, options: ClientOptions) => {
      printBuild(await openClient(options).send<ShownBuild>('POST', path(encodeURIComponent(id))), options)
    })
}

async function list(
  options: ClientOptions & { repository?: string; branch?: string; state?: string; limit: string },
) {
  const { repository, branch, state, limit } = options
  const given = Object.entries({ repository, branch, state, limit }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  const page = await openClient(options).get<BuildPage>(`/builds?${new URLSearchParams(given)}`)
  if (options.json) return printJson(page)
  const rows = page.items.map((build) => [
    build.id,
    build.state,
    build.repository,
    build.branch ?? build.tag ?? build.ref,
    build.sha.slice(0, 8),
    build.title,
  ])
  process.stdout.write(formatTable(['BUILD', 'STATE', 'REPOSITORY', 'WHERE', 'COMMIT', 'TITLE'], rows))
}

async function show(id: string, options: ClientOptions): Promise<void> {
  printBuild(await openClient(options).get<ShownBuild>(`/builds/${encodeURIComponent(id)}`), options)
}

async function logs(id: string, options: ClientOptions & { follow?: true; console?: true }): Promise<void> {
  const stream = options.console ? 'console' : 'log'
  if (!options.follow) {
    const clean = createTerminalText()
    const print = (chunk: Buffer) => void process.stdout.write(clean.push(chunk))
    await openClient(options).text(`/jobs/${encodeURIComponent(id)}/${stream}`, print)
    return
  }
  const interrupts = catchInterrupts({ onFirst: () => undefined, onHard: () => undefined })
  const write = (text: string) => void process.stdout.write(text)
  try {
    await followLog({ client: openClient(options), job: id, stream, signal: interrupts.signal, write })
  } finally {
    interrupts.end()
  }
}
