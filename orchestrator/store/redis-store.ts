import type { Redis } from 'ioredis'
import type { Store } from '../model/store.ts'
import { buildRecords } from './build-records.ts'
import { deliveryRecords } from './delivery-records.ts'
import { groupHolders } from './group-holders.ts'
import { jobRecords } from './job-records.ts'
import { repositoryRecords } from './repository-records.ts'
import { withScripts } from './scripts.ts'
import { storeKeys } from './store-keys.ts'

/** The store in Redis. All keys start with `<prefix>:`; the connection stays the caller's. */
export function createRedisStore({ redis, prefix }: { redis: Redis; prefix: string }): Store {
  const scripted = withScripts(redis)
  const keys = storeKeys(prefix)
  return {
    builds: buildRecords(scripted, keys),
    jobs: jobRecords(scripted, keys),
    groups: groupHolders(scripted, keys),
    deliveries: deliveryRecords(scripted, keys),
    repositories: repositoryRecords(redis, keys),
  }
}
