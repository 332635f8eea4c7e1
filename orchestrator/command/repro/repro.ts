import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Job } from '../../../config/pipeline/pipeline.ts'
import { sweepMachines } from '../../../runner/machine/sweep-machines.ts'
import { checkpointsFolder } from '../../../runner/template/filenames.ts'
import { exitCodeOfJobs } from '../exit-codes.ts'
import { type HostOptions, openThisHost } from '../host-options.ts'
import { catchInterrupts } from '../interrupts.ts'
import { keepMachines } from '../kept/keep-machines.ts'
import { ownTerminal, parseKeepFor } from '../kept/keep-options.ts'
import { isLocalJob, newLocalBuildId } from '../run/local-build-id.ts'
import { clearOwnMachines } from '../run/own-machine-folders.ts'
import { readSecrets } from '../run/read-secrets.ts'
import { runLocalJob } from '../run/run-local-job.ts'
import { type ClientOptions, openClient } from '../server/client-options.ts'
import { createView } from '../view/create-view.ts'
import { checkImage } from './check-image.ts'
import { fetchFiles } from './fetch-files.ts'
import type { PastJob } from './past-job.ts'
import { readLocalJob } from './read-local-job.ts'
import { readServerJob } from './read-server-job.ts'
import { stopBefore } from './stop-before.ts'

export type ReproOptions = HostOptions &
  ClientOptions & {
    readonly clone?: string
    readonly secret: readonly string[]
    readonly through?: true
    readonly anyImage?: true
    readonly keepFor: string
  }

/** Runs a past job here as far as the step that failed, and opens its machine. */
export async function repro(id: string, options: ReproOptions): Promise<void> {
  const keepFor = parseKeepFor(options.keepFor)
  const { host, dataFolder, shelf } = await openThisHost(options)
  const client = openClient(options)
  const isLocal = options.server === undefined && isLocalJob(id)
  const past = isLocal ? await readLocalJob(dataFolder, id) : await readServerJob(client, id)
  const planned = { ...past.job, image: past.image?.name ?? past.job.image ?? host.defaultImage }
  shelf.checkName(planned.image)
  const { job: whole, next } = stopBefore(planned, past.failed, options.through === true)
  const { job, secrets, missing } = giveSecrets(whole, options.secret)
  const note = (text: string) => void process.stderr.write(`note: ${text}\n`)
  for (const text of notes({ past, missing, through: options.through === true, dataFolder })) note(text)
  await sweepMachines(dataFolder)
  const view = createView({ json: options.json === true, console: false })
  const onHard = () => clearOwnMachines(dataFolder)
  const interrupts = catchInterrupts({ onFirst: () => view.interrupted(), onHard })
  const { signal } = interrupts
  const terminal = options.json === true ? undefined : ownTerminal()
  const log = pino({ level: 'silent' })
  try {
    const limit = host.limits.uploadBytes
    const source = await fetchFiles({
      ...{ past, dataFolder, limit, clone: options.clone, client, onNote: note, log, signal },
    })
    try {
      const buildId = newLocalBuildId()
      const record = await runLocalJob({
        ...{ job, secrets, host, dataFolder, source, signal, view, next, alone: true },
        context: { jobId: `${buildId}-${job.name}`, buildId, ...past.context },
        ensureImage: async (name, watched) => {
          const image = await shelf.ensure(name, watched)
          if (options.anyImage !== true) checkImage(past.image, image.digest)
          return image
        },
        setupAccess: { scope: past.scope, readsAll: true, mayKeep: true },
        keep: keepMachines({ terminal, keepFor, dataFlag: options.data, view, signal }),
        keeps: ({ verdict }) => verdict !== 'cancelled',
      })
      view.finished([record])
      process.exitCode = exitCodeOfJobs([record])
    } finally {
      await source.release()
    }
  } finally {
    interrupts.end()
    view.close()
  }
}

/** The job with the secrets that it is given; a server keeps them to itself. */
function giveSecrets(job: Job, given: readonly string[]) {
  const names = given.map((text) => text.split('=')[0] ?? text)
  const missing = job.secrets.filter((name) => !names.includes(name))
  const asked = { ...job, secrets: job.secrets.filter((name) => names.includes(name)) }
  return { job: asked, secrets: readSecrets({ jobs: [asked], given, env: process.env }), missing }
}

type Notes = { past: PastJob; missing: readonly string[]; through: boolean; dataFolder: string }

function notes({ past, missing, through, dataFolder }: Notes): string[] {
  const { failed, checkpoint, job } = past
  const where =
    failed === undefined
      ? 'no step of it failed: all of them run, and the machine is opened afterwards'
      : `step ${failed + 1} failed: the machine is opened ${through ? 'after' : 'before'} it`
  const isHere = checkpoint !== undefined && existsSync(join(checkpointsFolder(dataFolder), checkpoint))
  const setup = isHere
    ? `checkpoint ${checkpoint} of its setup is here`
    : 'its setup runs again unless a checkpoint here is alike'
  return [
    where,
    ...(job.setup.length === 0 ? [] : [setup]),
    ...(missing.length === 0
      ? []
      : [`not given, so its steps do not have them: secret ${missing.join(', ')} (--secret NAME)`]),
  ]
}
