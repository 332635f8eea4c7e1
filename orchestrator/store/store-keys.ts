/** Every name of the store in Redis. */
export type StoreKeys = {
  readonly build: (id: string) => string
  readonly builds: string
  /** Builds by when they ended. */
  readonly buildsEnded: string
  /** The newest build that was pruned. */
  readonly newestPruned: string
  /** Pruned builds whose folders are still there. */
  readonly removing: string
  /** How far each stage of the retention has come. */
  readonly retention: string
  readonly job: (id: string) => string
  readonly jobs: string
  /** Concurrency groups with their holders. */
  readonly groups: string
  readonly delivery: (id: string) => string
  readonly deliveries: string
  readonly deliveryBody: (id: string) => string
  /** By which a forge's second call is known. */
  readonly deliverySeen: (forge: string, forgeId: string) => string
  readonly repositories: string
}

export function storeKeys(prefix: string): StoreKeys {
  return {
    build: (id) => `${prefix}:build:${id}`,
    builds: `${prefix}:builds`,
    buildsEnded: `${prefix}:builds-ended`,
    newestPruned: `${prefix}:builds-pruned`,
    removing: `${prefix}:builds-removing`,
    retention: `${prefix}:retention`,
    job: (id) => `${prefix}:job:${id}`,
    jobs: `${prefix}:jobs-by`,
    groups: `${prefix}:groups`,
    delivery: (id) => `${prefix}:delivery:${id}`,
    deliveries: `${prefix}:deliveries`,
    deliveryBody: (id) => `${prefix}:delivery-body:${id}`,
    deliverySeen: (forge, forgeId) => `${prefix}:delivery-seen:${forge}:${forgeId}`,
    repositories: `${prefix}:repositories`,
  }
}

/** The index of the records whose facets have these values; facets in the order in which the records name them. */
export function indexKey(index: string, facets: readonly (readonly [string, string | undefined])[]): string {
  return facets
    .filter(([, value]) => value !== undefined)
    .reduce((name, [facet, value]) => `${name},${facet}=${JSON.stringify(value)}`, index)
}
