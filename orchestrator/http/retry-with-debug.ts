import type { z } from 'zod'
import { ConfigError } from '../../config/errors.ts'
import { parsePublicKey } from '../gateway/public-key.ts'
import { aboutJob } from '../logs/about-job.ts'
import type { Build, DebugWish } from '../model/build.ts'
import { askNewUsers } from '../user-keys/ask-users.ts'
import { absent } from './gone.ts'
import { notFound } from './http-error.ts'
import type { HttpParts } from './http-parts.ts'
import type { mayEnterSchema } from './schemas/opt-in-schema.ts'

type RetryWithDebug = {
  readonly parts: HttpParts
  readonly id: string
  readonly by: string
  /** Nobody for those whom the repository is opted in with. */
  readonly mayEnter: z.output<typeof mayEnterSchema>
}

/**
 * Runs a job again so that its machine is held where it fails; gives its build and what of the users' keys is of no use.
 * @throws ConfigError where nobody could enter, or the job cannot be run again; HttpError for a job that is not there
 */
export async function retryWithDebug({ parts, id, by, mayEnter }: RetryWithDebug) {
  const { store, builds, optIns, now } = parts
  const job = await store.jobs.get(id)
  const repository = job && (await store.repositories.get(job.repository))
  if (job === undefined) throw await absent({ store, what: 'job', id })
  if (repository === undefined) throw notFound('repository', job.repository)
  const { keys, users: names } = mayEnter
  const at = now().toISOString()
  let wish: DebugWish = { by, at }
  let problems: readonly string[] = []
  if (keys.length + names.length > 0) {
    for (const { publicKey } of keys) parsePublicKey(publicKey)
    const asked = await askNewUsers({ repository, names, now })
    problems = asked.problems
    wish = { by, at, optIn: { by, at, keys, users: asked.users } }
  } else if ((await optIns.get(job.repository)) === undefined) {
    throw new ConfigError(
      `expected the keys of those who may enter, or ${job.repository} opted in, found neither`,
      {
        hint: 'mayfly retry JOB --debug --key ~/.ssh/id_ed25519.pub',
      },
    )
  }
  const build: Build | undefined = await builds.retryJob(id, by, wish)
  if (build === undefined) throw await absent({ store, what: 'job', id })
  aboutJob(parts.log, job).info({ by, own: wish.optIn !== undefined }, 'runs again to be debugged')
  return { build, problems }
}
