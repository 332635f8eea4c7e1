import { ConfigError, InfraError } from '../../config/errors.ts'
import type { ShelfImage } from '../../images/image.ts'
import { readSetupFiles } from '../checkpoint/read-setup-files.ts'
import type { Setup } from '../checkpoint/setup.ts'
import { workFolder } from '../guest/guest-paths.ts'
import type { CheckpointFacts, Preparation } from '../machine/machine.ts'
import { setupEnvironment } from './job-environment.ts'
import type { JobLife } from './job-life.ts'
import type { TarSource } from './job-order.ts'

export type JobSetup = {
  readonly preparation: Preparation
  /** What the setup may see of the repository; undefined where it names nothing. */
  readonly files: (() => Promise<TarSource>) | undefined
  /** For the machine's start, where the result may be kept or come from a checkpoint. */
  readonly order: Setup | undefined
  /** Where it may not: why. */
  readonly checkpoint: CheckpointFacts | undefined
}

/** What a job's setup needs, before its machine starts. Throws what reading the files does. */
export async function prepareSetup(life: JobLife, image: ShelfImage): Promise<JobSetup | undefined> {
  const { job, host, source, setupAccess, context } = life.order
  if (job.setup.length === 0) return undefined
  const preparation = { workdir: workFolder(image.profile.user), env: setupEnvironment(job.env) }
  const read = async () => await source.files(job.setupFiles, life.signal)
  const files = job.setupFiles.length === 0 ? undefined : read
  const runsEachTime = (reason: string): JobSetup => ({
    ...{ preparation, files, order: undefined },
    checkpoint: { state: 'none', reason },
  })
  if (setupAccess === undefined) return { ...runsEachTime(''), checkpoint: undefined }
  if (!host.checkpoints.use) return runsEachTime('the host file says `checkpoints: { use: false }`')
  if (!host.templates.use) return runsEachTime('the host file says `templates: { use: false }`')
  const found = files === undefined ? undefined : await readFiles(files, life.signal)
  if (files !== undefined && found === undefined)
    return runsEachTime('what `setup_files` names is more than 64 MiB')
  const order: Setup = {
    scripts: job.setup,
    shell: job.shell,
    files: found?.digest ?? '',
    preparation,
    ...(job.offlineSetup === true ? { isOffline: true } : {}),
    maxAge: job.setupMaxAge,
    access: setupAccess,
    by: { build: context.buildId, job: context.jobId },
  }
  const again = found === undefined ? undefined : async () => found.tar()
  return { preparation, files: again, order, checkpoint: undefined }
}

async function readFiles(open: () => Promise<TarSource>, signal: AbortSignal) {
  try {
    return await readSetupFiles(await open(), signal)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof InfraError || error instanceof ConfigError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new InfraError('upload', `what \`setup_files\` names could not be read: ${message}`, {
      cause: error,
    })
  }
}
