import { randomUUID } from 'node:crypto'
import type { Build, BuildJob } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { readRecords } from './read-records.ts'
import { fromPairs, toFields } from './record-fields.ts'
import type { RecordChange, RecordPlace, ScriptedRedis } from './scripts.ts'
import { indexKey, type StoreKeys } from './store-keys.ts'

/** Jobs, whose every change is a compare-and-set on state and claim. */
export function jobRecords(redis: ScriptedRedis, keys: StoreKeys): Store['jobs'] {
  const change = async (wanted: Omit<RecordChange, 'write'>): Promise<BuildJob | undefined> => {
    const pairs = await redis.mayflyChange(JSON.stringify({ ...wanted, revised: true, write: randomUUID() }))
    return pairs === null ? undefined : fromPairs<BuildJob>(pairs)
  }
  return {
    get: async (id) => (await readRecords<BuildJob>(redis, [keys.job(id)]))[0],
    ofBuild: async (build) => {
      const [found] = await readRecords<Build>(redis, [keys.build(build)])
      const jobs = await readRecords<BuildJob>(redis, (found?.jobs ?? []).map(keys.job))
      return jobs.filter((job) => job !== undefined)
    },
    change: (id, from, fields, claim) =>
      change({
        ...jobPlace(keys, id),
        ...toFields(fields),
        from: from.map((state) => JSON.stringify(state)),
        ...(claim === undefined ? {} : { claim: JSON.stringify(claim) }),
        claims: false,
      }),
    claim: (id, host, most) =>
      change({
        ...jobPlace(keys, id),
        ...toFields({ state: 'claimed', host }),
        from: ['"queued"'],
        claims: true,
        ...(most === undefined ? {} : { bound: { most, held: heldIndexes(keys), jobs: keys.job('') } }),
      }),
    takeOver: (id, host, claim) =>
      change({
        ...jobPlace(keys, id),
        ...toFields({ host }),
        from: ['"claimed"', '"running"'],
        claim: JSON.stringify(claim),
        claims: true,
      }),
    inState: async (state) => {
      const ids = await redis.zrange(indexKey(keys.jobs, [['state', state]]), '0', '-1')
      const jobs = await readRecords<BuildJob>(redis, ids.map(keys.job))
      // Between the two looks one may have moved on.
      return jobs.filter((job) => job !== undefined).filter((job) => job.state === state)
    },
    count: (state, repository) =>
      redis.zcard(
        indexKey(keys.jobs, [
          ['state', state],
          ['repository', repository],
        ]),
      ),
  }
}

/** The jobs that hosts have. */
function heldIndexes({ jobs }: StoreKeys): string[] {
  return ['claimed', 'running'].map((state) => indexKey(jobs, [['state', state]]))
}

/** Where a job is kept: indexed by state, and within it by repository, in the order in which the jobs came to it. */
export function jobPlace(keys: StoreKeys, id: string): RecordPlace {
  return {
    key: keys.job(id),
    id,
    index: keys.jobs,
    facets: ['state', 'repository'],
    nested: true,
    timed: true,
  }
}
