import { randomBytes } from 'node:crypto'
import type { HostConfig } from '../../../config/host/host-config.ts'
import type { Job } from '../../../config/pipeline/pipeline.ts'
import type { Shelf } from '../../../images/shelf.ts'
import { jobFolderPath } from '../../../runner/job/filenames.ts'
import type { JobOrder, JobSource } from '../../../runner/job/job-order.ts'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import { runJob } from '../../../runner/job/run-job.ts'
import type { Machine } from '../../../runner/machine/machine.ts'
import { directorySource } from '../../../runner/source/directory-source.ts'
import { startOnHost } from '../../../runner/start-on-host.ts'
import type { KeepMachine } from '../kept/keep-machines.ts'
import type { View } from '../view/view.ts'
import { type LocalCommit, readLocalCommit } from './local-commit.ts'

type RunPipeline = {
  /** Each after those it needs. */
  jobs: readonly Job[]
  secrets: Readonly<Record<string, string>>
  host: HostConfig
  dataFolder: string
  shelf: Shelf
  directory: string
  signal: AbortSignal
  view: View
  /** Takes the machines of jobs that failed; without it they are destroyed. */
  keep?: KeepMachine | undefined
}

type JobResult = Pick<JobRecord, 'name' | 'verdict' | 'failure'>

/** Runs jobs one after the other; what needs a job that did not pass is skipped. */
export async function runPipeline(run: RunPipeline): Promise<JobResult[]> {
  const { jobs, directory, host, signal, view } = run
  const commit = await readLocalCommit(directory)
  const source = directorySource({ directory, limits: { bytes: host.limits.uploadBytes } })
  const buildId = `local-${timestamp()}-${randomBytes(2).toString('hex')}`
  const results: JobResult[] = []
  for (const job of jobs) {
    const unmet = job.needs.filter((need) =>
      results.some(({ name, verdict }) => name === need && verdict !== 'passed'),
    )
    if (unmet.length > 0) {
      view.skipped(job.name, unmet)
      results.push({ name: job.name, verdict: 'skipped', failure: undefined })
      continue
    }
    if (signal.aborted) break
    results.push(await runOne({ run, job, buildId, commit, source }))
  }
  view.finished(results)
  return results
}

type RunOne = { run: RunPipeline; job: Job; buildId: string; commit: LocalCommit; source: JobSource }

async function runOne({ run, job, buildId, commit, source }: RunOne): Promise<JobRecord> {
  const { host, dataFolder, shelf, signal, view, keep } = run
  const jobId = `${buildId}-${job.name}`
  const folder = jobFolderPath(dataFolder, jobId)
  const onImageProgress = view.job({ name: job.name, id: jobId, folder, alone: run.jobs.length === 1 })
  const secrets = Object.fromEntries(job.secrets.map((name) => [name, run.secrets[name] ?? '']))
  let taken: Machine | undefined
  const order: JobOrder = {
    job,
    context: { jobId, buildId, event: 'manual', ...commit },
    secrets,
    host,
    dataFolder,
    source,
    ensureImage: (name, watched) => shelf.ensure(name, watched),
    startMachine: startOnHost({ host, dataFolder }),
    // Whoever runs this owns the data folder, and every checkpoint in it.
    setupAccess: { scope: 'local', readsAll: true, mayKeep: true },
    signal,
    onEvent: (event) => view.event(event),
    onImageProgress,
    keepMachine: (record, machine) => {
      if (keep === undefined || !isFailure(record)) return false
      taken = machine
      return true
    },
  }
  try {
    const record = await runJob(order)
    const machine = taken
    taken = undefined
    if (machine !== undefined) await keep?.({ job, record, machine, secrets })
    return record
  } finally {
    // What is kept of the job could not be written after its machine was taken over.
    await taken?.destroy('now')
  }
}

function isFailure({ verdict }: Pick<JobRecord, 'verdict'>): boolean {
  return verdict === 'failed' || verdict === 'timed-out' || verdict === 'errored'
}

function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
}
