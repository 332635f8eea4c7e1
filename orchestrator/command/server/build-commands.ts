import { Command } from 'commander'
import type { z } from 'zod'
import { ConfigError } from '../../../config/errors.ts'
import type { ServerEvent } from '../../client/api-client.ts'
import type { buildPageSchema, buildWithJobsSchema } from '../../http/schemas/build-schemas.ts'
import { forgeNames } from '../../model/forge-name.ts'
import { exitCodeOfJobs } from '../exit-codes.ts'
import { catchInterrupts } from '../interrupts.ts'
import { formatTable } from '../view/format-table.ts'
import { createTerminalText } from '../view/terminal-text.ts'
import { type ClientOptions, openClient, printJson, withClientOptions } from './client-options.ts'

type Build = z.output<typeof buildWithJobsSchema>
type BuildPage = z.output<typeof buildPageSchema>

/** The commands about builds on a server: submit, builds, show, logs, cancel, retry, approve. */
export function buildCommands(): Command[] {
  return [
    withClientOptions(new Command('submit').description('start a build of a registered repository'))
      .argument('<repository>', 'forge:owner/name')
      .option('--ref <ref>', 'branch or tag; the default branch without one')
      .option('--input <key=value>', 'an input of the build', collect, [])
      .option('-f, --follow', 'follow the logs and end with the verdict')
      .action(submit),
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
    withClientOptions(new Command('retry').description('run again what did not pass'))
      .argument('<build>')
      .option('--all', 'all jobs, also those that passed')
      .action(async (id: string, options: ClientOptions & { all?: true }) => {
        const path = `/builds/${encodeURIComponent(id)}/retry?which=${options.all ? 'all' : 'failed'}`
        print(await openClient(options).send<Build>('POST', path), options)
      }),
  ]
}

function change(name: string, description: string, path: (id: string) => string): Command {
  return withClientOptions(new Command(name).description(description))
    .argument('<build>')
    .action(async (id: string, options: ClientOptions) => {
      print(await openClient(options).send<Build>('POST', path(encodeURIComponent(id))), options)
    })
}

type SubmitOptions = ClientOptions & { ref?: string; input: string[]; follow?: true }

async function submit(key: string, options: SubmitOptions): Promise<void> {
  const colon = key.indexOf(':')
  const forge = key.slice(0, colon)
  if (!(forgeNames as readonly string[]).includes(forge)) {
    throw new ConfigError(`expected forge:owner/name with a forge of ${forgeNames.join(', ')}, got ${key}`)
  }
  const inputs = Object.fromEntries(
    options.input.map((text) => [text.split('=')[0], text.slice(text.indexOf('=') + 1)]),
  )
  const client = openClient(options)
  const asked = {
    forge,
    repository: key.slice(colon + 1),
    inputs,
    ...(options.ref === undefined ? {} : { ref: options.ref }),
  }
  const build = await client.send<Build>('POST', '/builds', asked)
  print(build, options)
  if (options.follow) await followBuild(build.id, options)
}

/** Follows every job of a build in turn and ends with the exit code of its verdict. */
export async function followBuild(id: string, options: ClientOptions): Promise<void> {
  const client = openClient(options)
  const { jobs } = await client.get<Build>(`/builds/${id}`)
  for (const job of jobs) await printLog(job.id, { ...options, follow: true })
  const ended = await client.get<Build>(`/builds/${id}`)
  print(ended, options)
  process.exitCode = exitCodeOfJobs(
    ended.jobs.map(({ state, failure }) => ({ verdict: state as 'passed', failure: failure as undefined })),
  )
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
  print(await openClient(options).get<Build>(`/builds/${encodeURIComponent(id)}`), options)
}

function print(build: Build, { json }: ClientOptions): void {
  if (json) {
    printJson(build)
    return
  }
  const lines = [
    `build ${build.id}: ${build.state}, ${build.repository} ${build.sha.slice(0, 12)} on ${build.branch ?? build.tag ?? build.ref}`,
    ...(build.problem === undefined ? [] : [`  ${build.problem}`]),
    ...build.jobs.map(
      (job) =>
        `  ${job.id}: ${job.state}${job.reason === undefined ? '' : `, ${job.reason}`}${job.waiting === undefined ? '' : ` (${job.waiting})`}`,
    ),
    `  ${build.url}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function logs(id: string, options: ClientOptions & { follow?: true; console?: true }): Promise<void> {
  await printLog(id, options)
}

async function printLog(
  id: string,
  options: ClientOptions & { follow?: true; console?: true },
): Promise<void> {
  const clean = createTerminalText()
  const print = (chunk: Buffer) => void process.stdout.write(clean.push(chunk))
  const path = `/jobs/${encodeURIComponent(id)}/${options.console ? 'console' : 'log'}`
  if (!options.follow) {
    await openClient(options).text(path, print)
    return
  }
  const interrupts = catchInterrupts({ onFirst: () => undefined, onHard: () => undefined })
  try {
    const onEvent = ({ name, data }: ServerEvent) => {
      if (name === 'log') print(Buffer.from((data as { text: string }).text))
    }
    await openClient(options).follow(`${path}/follow`, onEvent, interrupts.signal)
  } finally {
    interrupts.end()
  }
}

function collect(value: string, values: string[]): string[] {
  return [...values, value]
}
