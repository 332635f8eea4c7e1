import type { Repositories } from './repositories.ts'

/**
 * A register that tells of each change to it, once it stands; whoever made the change waits until that is done.
 * `onChange` is not to reject: the change is made.
 */
export function tellChanges(repositories: Repositories, onChange: () => Promise<void>): Repositories {
  const told = async <T>(work: Promise<T>): Promise<T> => {
    const done = await work
    await onChange()
    return done
  }
  return {
    ...repositories,
    add: (registration) => told(repositories.add(registration)),
    change: (key, change) => told(repositories.change(key, change)),
    remove: (key) => told(repositories.remove(key)),
    syncHostFile: () => told(repositories.syncHostFile()),
  }
}
