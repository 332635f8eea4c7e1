import { statSync } from 'node:fs'
import { Command } from 'commander'
import { jobDefaults } from '../../../config/defaults.ts'
import { ConfigError } from '../../../config/errors.ts'
import { submitFolder } from '../../client/submit-folder.ts'
import { checkRef } from '../../git/check-names.ts'
import { forgeNames } from '../../model/forge-name.ts'
import { exitCodes } from '../exit-codes.ts'
import { catchInterrupts } from '../interrupts.ts'
import { readLocalCommit } from '../run/local-commit.ts'
import { locate } from '../run/locate.ts'
import { isLive } from '../view/is-live.ts'
import { createStatusLine } from '../view/status-line.ts'
import { type ClientOptions, openClient, withClientOptions } from './client-options.ts'
import { followBuild } from './follow-build.ts'
import { printBuild, type ShownBuild } from './print-build.ts'
import { verdictCode } from './verdict-code.ts'

type SubmitOptions = ClientOptions & {
  /** False for `--no-dir`. */
  readonly dir?: string | false
  readonly repo?: string
  readonly ref?: string
  readonly job: readonly string[]
  readonly input: readonly string[]
  readonly follow?: true
}

/** `mayfly submit`: a build on a server, of a folder of this computer or of a repository that is registered there. */
export function submitCommand(): Command {
  const command = new Command('submit')
    .description('start a build on a server, of a folder of this computer or of a registered repository')
    .argument('[file]', `pipeline file, or a folder that holds one (default: ${jobDefaults.file})`)
    .option('--dir <folder>', 'folder to send (default: the one that holds the pipeline file)')
    .option('--no-dir', 'send the pipeline file alone')
    .option('--repo <repository>', 'build this registered repository instead, forge:owner/name')
    .option('--ref <ref>', 'with --repo: branch or tag; the default branch without one')
    .option('--job <name>', 'only this job and what it needs; more than one may be given', collect, [])
    .option('--input <key=value>', 'an input of the build', collect, [])
    .option('-f, --follow', 'follow the logs and end with the verdict')
  return withClientOptions(command).action(submit)
}

async function submit(named: string | undefined, options: SubmitOptions): Promise<void> {
  const wrong = options.input.find((input) => input.indexOf('=') < 1)
  if (wrong !== undefined) throw new ConfigError(`expected --input KEY=VALUE, got ${JSON.stringify(wrong)}`)
  const interrupts = catchInterrupts({ onFirst: () => undefined, onHard: () => undefined })
  try {
    const repository = options.repo ?? repositoryKeyIn(named)
    const build =
      repository === undefined
        ? await submitHere(named ?? '.', options, interrupts.signal)
        : await submitRegistered(repository, named, options)
    if (!options.json || !options.follow || build.problem !== undefined) printBuild(build, options)
    if (build.problem !== undefined) process.exitCode = exitCodes.usage
    else if (options.follow) await follow(build, options, interrupts.signal)
  } finally {
    interrupts.end()
  }
}

/** `forge:owner/name` stands for `--repo forge:owner/name`, unless there is a file of that name. */
function repositoryKeyIn(named: string | undefined): string | undefined {
  const forge = named?.slice(0, named.indexOf(':'))
  if (named === undefined || !(forgeNames as readonly (string | undefined)[]).includes(forge))
    return undefined
  return statSync(named, { throwIfNoEntry: false }) === undefined ? named : undefined
}

async function submitHere(named: string, options: SubmitOptions, signal: AbortSignal): Promise<ShownBuild> {
  if (options.ref !== undefined) {
    throw new ConfigError('expected --ref beside --repo, got it for a folder of this computer', {
      hint: 'a folder is sent as it is now; to build a branch, check it out',
    })
  }
  const dir = options.dir === false ? undefined : options.dir
  const { file, directory } = locate({ named, dir, fileName: jobDefaults.file })
  return await submitFolder({
    ...{ client: openClient(options), file, signal },
    directory: options.dir === false ? undefined : directory,
    ref: await branchIn(directory),
    jobs: options.job.length === 0 ? undefined : options.job,
    inputs: options.input,
    onNote: (note) => void process.stderr.write(`note: ${note}\n`),
  })
}

/** The branch that is checked out here, so that `when: { branch: … }` means what it means for a push. */
async function branchIn(directory: string): Promise<string> {
  const { ref } = await readLocalCommit(directory)
  try {
    checkRef(ref)
    return ref
  } catch {
    return 'refs/heads/main'
  }
}

async function submitRegistered(
  key: string,
  named: string | undefined,
  options: SubmitOptions,
): Promise<ShownBuild> {
  const colon = key.indexOf(':')
  const forge = key.slice(0, colon)
  if (!(forgeNames as readonly string[]).includes(forge)) {
    throw new ConfigError(`expected forge:owner/name with a forge of ${forgeNames.join(', ')}, got ${key}`)
  }
  if (options.dir !== undefined || (options.repo !== undefined && named !== undefined)) {
    throw new ConfigError('expected a repository or a folder of this computer, got both')
  }
  return await openClient(options).send<ShownBuild>('POST', '/builds', {
    forge,
    repository: key.slice(colon + 1),
    inputs: Object.fromEntries(
      options.input.map((text) => [text.split('=')[0], text.slice(text.indexOf('=') + 1)]),
    ),
    ...(options.ref === undefined ? {} : { ref: options.ref }),
    ...(options.job.length === 0 ? {} : { jobs: options.job }),
  })
}

async function follow({ id }: ShownBuild, options: SubmitOptions, signal: AbortSignal): Promise<void> {
  const isForPeople = options.json !== true
  const status = createStatusLine(process.stdout, isForPeople && isLive(process.stdout))
  const write = (text: string) => void (isForPeople && process.stdout.write(text))
  try {
    const ended = await followBuild({ client: openClient(options), id, signal, write, status })
    printBuild(ended, options)
    process.exitCode = signal.aborted ? exitCodes.interrupted : verdictCode(ended)
    if (signal.aborted) process.stderr.write(`the build goes on; to end it: mayfly cancel ${id}\n`)
  } finally {
    status.hide()
  }
}

function collect(value: string, values: readonly string[]): string[] {
  return [...values, value]
}
