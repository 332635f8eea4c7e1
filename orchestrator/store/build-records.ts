import { randomUUID } from 'node:crypto'
import type { Build, BuildJob } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { jobPlace } from './job-records.ts'
import { readPage, readRecords } from './read-records.ts'
import { fromPairs, toFields } from './record-fields.ts'
import type { PruneOrder, RecordFields, RecordPlace, RemoveJobOrder, ScriptedRedis } from './scripts.ts'
import { indexKey, type StoreKeys } from './store-keys.ts'

/** Builds, listed by repository, branch and state in any combination. */
export function buildRecords(redis: ScriptedRedis, keys: StoreKeys): Store['builds'] {
  const place = (id: string) => buildPlace(keys, id)
  const removal = (build: Build, attempts: readonly string[]) => ({
    ended: JSON.stringify(build.ended ?? null),
    removing: keys.removing,
    attempts: JSON.stringify(attempts),
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
      const wanted = {
        ...place(id),
        ...buildFields(change),
        claims: false,
        revised: true,
        write: randomUUID(),
      }
      const pairs = await redis.mayflyChange(JSON.stringify(wanted))
      return pairs === null ? undefined : fromPairs<Build>(pairs)
    },
    isPruned: async (id) =>
      /^[0-9a-hjkmnp-tv-z]{26}$/.test(id) && id <= ((await redis.get(keys.newestPruned)) ?? ''),
    remove: async (build, attempts) => {
      const order: PruneOrder = {
        ...removal(build, attempts),
        build: place(build.id),
        jobs: build.jobs.map((id) => jobPlace(keys, id)),
        holders: keys.groups,
        groups: [],
      }
      return (await redis.mayflyPrune(JSON.stringify(order))) === 1
    },
    removeJob: async (build, job, attempts) => {
      const order: RemoveJobOrder = {
        ...removal(build, attempts),
        build: keys.build(build.id),
        job: jobPlace(keys, job.id),
        jobs: JSON.stringify(build.jobs),
        left: JSON.stringify(build.jobs.filter((id) => id !== job.id)),
      }
      return (await redis.mayflyRemoveJob(JSON.stringify(order))) === 1
    },
    removed: async (id) => {
      await redis.hdel(keys.removing, id)
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

/** Where a build is kept: indexed by repository, branch and state, and by when it ended. */
export function buildPlace(keys: StoreKeys, id: string): RecordPlace {
  return {
    key: keys.build(id),
    id,
    index: keys.builds,
    facets: ['repository', '.branch', 'state'],
    timed: false,
    endings: keys.buildsEnded,
  }
}

// The branch lies within the trigger, where a script does not look: it has a field of the store's own.
export function buildFields(build: Partial<Build>): RecordFields {
  return toFields(build.trigger === undefined ? build : { ...build, '.branch': build.trigger.branch })
}
