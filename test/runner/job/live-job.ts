import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { resolveHost } from '../../../config/host/resolve-host.ts'
import { hostSchema } from '../../../config/host/schema.ts'
import { parsePipeline } from '../../../config/pipeline/parse-pipeline.ts'
import type { Job } from '../../../config/pipeline/pipeline.ts'
import type { MachineProfile } from '../../../images/image.ts'
import type { JobEvent } from '../../../runner/job/job-event.ts'
import type { JobOrder } from '../../../runner/job/job-order.ts'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import { Cancelled } from '../../../runner/job/outcome.ts'
import { runJob } from '../../../runner/job/run-job.ts'
import { directorySource } from '../../../runner/source/directory-source.ts'
import type { FakeMachine } from '../../fake-machine.ts'
import { createFakeStart, type FakeStart, type FakeStartOptions } from '../../fake-start.ts'
import { shelfImage } from '../../shelf-image.ts'

export type JobSetting = FakeStartOptions & {
  /** The pipeline file as a user writes it, with one job. */
  readonly pipeline: string
  /** The host file as a user writes it, read already. */
  readonly host?: Readonly<Record<string, unknown>>
  /** What the image says of itself. */
  readonly profile?: Partial<MachineProfile>
  /** The repository: content by path. */
  readonly repository?: Readonly<Record<string, string>>
  readonly secrets?: Readonly<Record<string, string>>
  /** Cancels the job a moment after the first event that this is true of. */
  readonly cancelAt?: (event: JobEvent) => boolean
  /** Where jobs' folders are. @defaultValue a folder that is gone after the test */
  readonly root?: string
  /** What the abort says. @defaultValue a `Cancelled` */
  readonly cancelReason?: Error
} & Partial<
    Pick<
      JobOrder,
      | 'ensureImage'
      | 'source'
      | 'startMachine'
      | 'setupAccess'
      | 'egress'
      | 'report'
      | 'admit'
      | 'keepMachine'
      | 'onEvent'
      | 'outlive'
      | 'resumed'
    >
  >

export type LivedJob = {
  readonly record: JobRecord
  readonly events: readonly JobEvent[]
  readonly start: FakeStart
  /** The machine of the job, if one came up. */
  readonly machine: FakeMachine | undefined
  /** The job's folder; gone after the test. */
  readonly folder: string
}

/** Lives a job in a fake machine, with a real folder, a real timeline and a real source. */
export async function liveJob(setting: JobSetting): Promise<LivedJob> {
  const { pipeline, cancelAt, profile = {}, secrets = {} } = setting
  const reason = setting.cancelReason ?? new Cancelled('the user pressed Ctrl-C')
  const root = setting.root ?? (await temporaryRoot())
  const directory = join(root, 'repository')
  await writeTree(directory, setting.repository ?? { 'README.md': 'hello\n' })
  const start = createFakeStart(setting)
  // One that was taken over has its console's file open until it ends.
  onTestFinished(async () => void (await Promise.all(start.machines.map((one) => one.destroy()))))
  const events: JobEvent[] = []
  const cancel = new AbortController()
  const record = await runJob({
    job: oneJob(pipeline),
    context: { jobId: 'b1-main', buildId: 'b1', repo: 'r', ref: 'main', sha: 'f00', event: 'push' },
    secrets,
    host: resolveHost(hostSchema.parse(setting.host ?? {}), undefined),
    dataFolder: root,
    source: setting.source ?? directorySource({ directory, limits: { bytes: 2 ** 30 } }),
    ensureImage: setting.ensureImage ?? (async (name) => shelfImage(name, profile)),
    startMachine: setting.startMachine ?? start,
    egress: setting.egress,
    ...(setting.setupAccess === undefined ? {} : { setupAccess: setting.setupAccess }),
    signal: cancel.signal,
    onEvent: (event) => {
      events.push(event)
      setting.onEvent?.(event)
      if (cancelAt?.(event)) setTimeout(() => cancel.abort(reason), 10)
    },
    onImageProgress: () => undefined,
    ...(setting.report === undefined ? {} : { report: setting.report }),
    admit: setting.admit,
    outlive: setting.outlive,
    resumed: setting.resumed,
    ...(setting.keepMachine === undefined ? {} : { keepMachine: setting.keepMachine }),
  })
  return { record, events, start, machine: start.machines[0], folder: join(root, 'jobs/b1-main') }
}

/** A folder that is gone after the test. */
export async function temporaryRoot(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'mayfly-live-'))
  onTestFinished(() => rm(root, { recursive: true, force: true, maxRetries: 10 }))
  return root
}

/** What the job's folder keeps under a name. */
export function readKept(lived: LivedJob, name: string): Promise<string> {
  return readFile(join(lived.folder, name), 'utf8')
}

function oneJob(text: string): Job {
  const [job, ...more] = parsePipeline({ file: '.mayfly.yml', text }).jobs
  if (job === undefined || more.length > 0) throw new Error('expected a pipeline file with one job')
  return job
}

async function writeTree(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), content)
  }
}
