import { randomUUID } from 'node:crypto'
import type { Build, BuildJob } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { jobPlace } from './job-records.ts'
import { readPage, readRecords } from './read-records.ts'
import { fromPairs, toFields } from './record-fields.ts'
import type { RecordFields, RecordPlace, ScriptedRedis } from './scripts.ts'
import { indexKey, type StoreKeys } from './store-keys.ts'

/** Builds, listed by repository, branch and state in any combination. */
export function buildRecords(redis: ScriptedRedis, keys: StoreKeys): Store['builds'] {
  const place = (id: string): RecordPlace => ({
    key: keys.build(id),
    id,
    index: keys.builds,
    facets: ['repository', '.branch', 'state'],
    timed: false,
  })
  return {
    add: async (build, jobs) => {
      const written = [
        { ...place(build.id), ...buildFields(build) },
        ...jobs.map((job: BuildJob) => ({ ...jobPlace(keys, job.id), ...toFields(job) })),
      ]
      return (await redis.mayflyAdd(JSON.stringify(written), randomUUID())) === 1
    },
    get: async (id) => (await readRecords<Build>(redis, [keys.build(id)]))[0],
    update: async (id, change) => {
      const wanted = { ...place(id), ...buildFields(change), claims: false, write: randomUUID() }
      const pairs = await redis.mayflyChange(JSON.stringify(wanted))
      return pairs === null ? undefined : fromPairs<Build>(pairs)
    },
    list: ({ repository, branch, state }, page) =>
      readPage<Build>({
        redis,
        index: indexKey(keys.builds, [
          ['repository', repository],
          ['.branch', branch],
          ['state', state],
        ]),
        page,
        keyOf: keys.build,
      }),
  }
}

// The branch lies within the trigger, where a script does not look: it has a field of the store's own.
function buildFields(build: Partial<Build>): RecordFields {
  return toFields(build.trigger === undefined ? build : { ...build, '.branch': build.trigger.branch })
}
