import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostConfig } from '../../../config/host/host-config.ts'
import type { Job } from '../../../config/pipeline/pipeline.ts'
import type { Shelf } from '../../../images/shelf.ts'
import { jobFolderPath, orderName } from '../../../runner/job/filenames.ts'
import type { JobSource } from '../../../runner/job/job-order.ts'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import { directorySource } from '../../../runner/source/directory-source.ts'
import type { KeepMachine } from '../kept/keep-machines.ts'
import type { View } from '../view/view.ts'
import { newLocalBuildId } from './local-build-id.ts'
import { type LocalCommit, readLocalCommit } from './local-commit.ts'
import { runLocalJob } from './run-local-job.ts'

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
  const buildId = newLocalBuildId()
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
  const { host, dataFolder, shelf, secrets, directory, signal, view, keep } = run
  const context = { event: 'manual', ...commit }
  const jobId = `${buildId}-${job.name}`
  await writeOrder(jobFolderPath(dataFolder, jobId), { job, directory, context })
  return await runLocalJob({
    ...{ job, secrets, host, dataFolder, source, signal, view, keep },
    context: { jobId, buildId, ...context },
    ensureImage: (name, watched) => shelf.ensure(name, watched),
    // Whoever runs this owns the data folder, and every checkpoint in it.
    setupAccess: { scope: 'local', readsAll: true, mayKeep: true },
    alone: run.jobs.length === 1,
    keeps: isFailure,
  })
}

/** What was run, for `mayfly repro`. No secret is in it. */
async function writeOrder(folder: string, order: object): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, orderName), JSON.stringify(order), { mode: 0o600 })
}

function isFailure({ verdict }: Pick<JobRecord, 'verdict'>): boolean {
  return verdict === 'failed' || verdict === 'timed-out' || verdict === 'errored'
}
