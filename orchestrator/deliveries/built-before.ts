import type { Store } from '../model/store.ts'
import type { Trigger } from '../model/trigger.ts'

/** Builds of a repository that are looked through; a crash leaves its build among the newest. */
const looked = 50

/** The build that a delivery's trigger already has, for work that is done again after a crash. */
export async function builtBefore(options: {
  store: Pick<Store, 'builds'>
  repository: string
  delivery: string
  trigger: Trigger
}): Promise<string | undefined> {
  const { store, repository, delivery, trigger } = options
  const { items } = await store.builds.list({ repository }, { limit: looked, cursor: undefined })
  return items.find(
    (build) =>
      build.delivery === delivery && build.trigger.ref === trigger.ref && build.trigger.sha === trigger.sha,
  )?.id
}
