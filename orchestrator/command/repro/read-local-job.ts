import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '../../../config/errors.ts'
import { readJob } from '../../../config/pipeline/read-job.ts'
import { failedStep } from '../../../runner/job/failed-step.ts'
import { jobFolderPath, orderName, recordName } from '../../../runner/job/filenames.ts'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import type { PastJob } from './past-job.ts'

const orderSchema = z.object({
  job: z.unknown(),
  directory: z.string(),
  context: z.object({ repo: z.string(), ref: z.string(), sha: z.string(), event: z.string() }),
})

/** A job of an earlier `mayfly run` in this data folder. Throws ConfigError where there is none of that id. */
export async function readLocalJob(dataFolder: string, id: string): Promise<PastJob> {
  // An id that leads elsewhere has no folder there.
  const folder = jobFolderPath(dataFolder, basename(id))
  const order = orderSchema.safeParse(await readJson(join(folder, orderName)))
  if (!order.success) {
    throw new ConfigError(`expected a job of an earlier mayfly run in ${dataFolder}, found none of ${id}`, {
      hint: 'its id is the name of its folder below jobs/; --data FOLDER names another data folder',
    })
  }
  const record = (await readJson(join(folder, recordName))) as JobRecord | undefined
  const { job, directory, context } = order.data
  const machine = record?.machine
  const checkpoint = machine?.checkpoint
  return {
    id,
    job: readJob(job),
    context,
    image: machine && { name: machine.image, digest: machine.imageDigest },
    checkpoint: checkpoint !== undefined && 'key' in checkpoint ? checkpoint.key : undefined,
    failed: record && failedStep(record)?.index,
    scope: 'local',
    files: { kind: 'folder', directory },
  }
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return undefined
  }
}
