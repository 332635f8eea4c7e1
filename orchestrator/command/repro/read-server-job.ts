import { ConfigError } from '../../../config/errors.ts'
import { readJob } from '../../../config/pipeline/read-job.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { reproSchema } from '../../http/schemas/repro-schema.ts'
import type { PastJob } from './past-job.ts'

/** A job of a server. Throws ConfigError where it has none of that id, or tells it in words that are not known here. */
export async function readServerJob(client: ApiClient, id: string): Promise<PastJob> {
  const answer = reproSchema.safeParse(await client.get(`/jobs/${encodeURIComponent(id)}/repro`))
  if (!answer.success) {
    throw new ConfigError(`expected what job ${id} ran from the server, got something else`, {
      hint: 'the server may be of another version than this command',
      cause: answer.error,
    })
  }
  const { repository, ref, sha, event, image, checkpoint, failed } = answer.data
  return {
    id: answer.data.id,
    job: readJob(answer.data.job),
    context: { repo: repository.name, ref, sha, event },
    ...{ image, checkpoint, failed },
    scope: `repository ${repository.forge}:${repository.name}`,
    files: repository.forge === 'local' ? { kind: 'submitted' } : { kind: 'commit', repository },
  }
}
