import { Command } from 'commander'
import { ConfigError } from '../../../config/errors.ts'
import { type ClientOptions, openClient, withClientOptions } from './client-options.ts'
import { printBuild, type ShownBuild } from './print-build.ts'
import { readPublicKeys } from './read-public-keys.ts'

type Options = ClientOptions & {
  readonly all?: true
  readonly debug?: true
  readonly key: readonly string[]
  readonly user: readonly string[]
}

/** `mayfly retry`: a build once more, or one of its jobs, whose machine is held for somebody where it fails again. */
export function retryCommand(): Command {
  const command = new Command('retry')
    .description('run again what did not pass, or one job')
    .argument('<build>', 'a build, or a job')
    .option('--all', 'all jobs of the build, also those that passed')
    .option(
      '--debug',
      'of a job: hold its machine where it fails, for those who are named or its repository is opted in with',
    )
    .option(
      '--key <file>',
      'with --debug: file of public keys of those who alone may enter; once for each',
      collect,
      [],
    )
    .option('--user <name>', 'with --debug: user of its forge who may enter; once for each', collect, [])
  return withClientOptions(command).action(retry)
}

async function retry(id: string, options: Options): Promise<void> {
  const { all, debug, key, user } = options
  const isJob = id.includes('-')
  if (debug !== true && key.length + user.length > 0)
    throw new ConfigError('expected --key and --user beside --debug')
  if (isJob && all) throw new ConfigError('expected a build beside --all, got a job')
  if (!isJob && debug) {
    throw new ConfigError('expected a job beside --debug, got a build', {
      hint: `mayfly show ${id} lists its jobs`,
    })
  }
  const client = openClient(options)
  const path = encodeURIComponent(id)
  if (!isJob) {
    const which = all ? 'all' : 'failed'
    return printBuild(await client.send<ShownBuild>('POST', `/builds/${path}/retry?which=${which}`), options)
  }
  const keys = key.flatMap((file) => readPublicKeys(file === '-' ? 0 : file))
  const asked = debug ? { debug: { keys, users: user } } : {}
  const answer = await client.send<ShownBuild & { problems: readonly string[] }>(
    'POST',
    `/jobs/${path}/retry`,
    asked,
  )
  for (const problem of answer.problems) process.stderr.write(`not usable: ${problem}\n`)
  printBuild(answer, options)
}

function collect(value: string, values: readonly string[]): string[] {
  return [...values, value]
}
