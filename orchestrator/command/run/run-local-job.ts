import type { HostConfig } from '../../../config/host/host-config.ts'
import type { Job } from '../../../config/pipeline/pipeline.ts'
import { jobFolderPath } from '../../../runner/job/filenames.ts'
import type { JobContext } from '../../../runner/job/job-environment.ts'
import type { JobOrder } from '../../../runner/job/job-order.ts'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import { runJob } from '../../../runner/job/run-job.ts'
import type { Machine } from '../../../runner/machine/machine.ts'
import { startOnHost } from '../../../runner/start-on-host.ts'
import type { KeepMachine } from '../kept/keep-machines.ts'
import type { NextStep } from '../repro/stop-before.ts'
import type { View } from '../view/view.ts'

type RunLocalJob = Pick<JobOrder, 'source' | 'ensureImage' | 'setupAccess'> & {
  readonly job: Job
  readonly context: JobContext
  /** Of all jobs of this run. */
  readonly secrets: Readonly<Record<string, string>>
  readonly host: HostConfig
  readonly dataFolder: string
  readonly view: View
  /** Whether it is the only job of this run. */
  readonly alone: boolean
  readonly signal: AbortSignal
  readonly keep: KeepMachine | undefined
  /** Whether a machine whose job has this verdict is kept. */
  readonly keeps: (record: Pick<JobRecord, 'verdict'>) => boolean
  /** What is left to do in it. */
  readonly next?: NextStep | undefined
}

/** One job on this host, watched; its machine is opened afterwards where that was asked for. */
export async function runLocalJob(run: RunLocalJob): Promise<JobRecord> {
  const { job, context, host, dataFolder, view, alone, signal, keep, keeps, next } = run
  const { source, ensureImage, setupAccess } = run
  const id = context.jobId
  const folder = jobFolderPath(dataFolder, id)
  const onImageProgress = view.job({ name: job.name, id, folder, alone })
  const secrets = Object.fromEntries(job.secrets.map((name) => [name, run.secrets[name] ?? '']))
  let taken: Machine | undefined
  try {
    const record = await runJob({
      ...{ job, context, secrets, host, dataFolder, source, ensureImage, signal, onImageProgress },
      ...(setupAccess === undefined ? {} : { setupAccess }),
      startMachine: startOnHost({ host, dataFolder }),
      onEvent: (event) => view.event(event),
      keepMachine: (ended, machine) => {
        if (keep === undefined || !keeps(ended)) return false
        taken = machine
        return true
      },
    })
    const machine = taken
    taken = undefined
    if (machine !== undefined) await keep?.({ job, record, machine, secrets, next })
    return record
  } finally {
    // What is kept of the job could not be written after its machine was taken over.
    await taken?.destroy('now')
  }
}
