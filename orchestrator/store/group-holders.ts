import type { Store } from '../model/store.ts'
import type { ScriptedRedis } from './scripts.ts'
import type { StoreKeys } from './store-keys.ts'

/** Concurrency groups: of many that take one at once, one gets it and all are told which. */
export function groupHolders(redis: ScriptedRedis, { groups }: StoreKeys): Store['groups'] {
  return {
    // No job is called the empty string, so it stands for nobody.
    take: (group, job, instead = '') => redis.mayflyTakeGroup(groups, group, job, instead),
    release: async (group, job) => {
      await redis.mayflyReleaseGroup(groups, group, job)
    },
  }
}
