import type { Store } from '../model/store.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Tokens } from '../tokens/token.ts'
import type { IndexGuard } from './index-guard.ts'

/*
 * In an emptied Redis everything is absent, and a job whose host brings its verdict must not count as gone, nor a
 * repository as never registered, nor a secret as never set. So whoever is to be told that something is not there is
 * told so only while the index is whole.
 */

type Guard = Pick<IndexGuard, 'assertWhole'>

/** The look with its `undefined` believed only where the index is whole. */
export function believing<Args extends readonly unknown[], T>(
  { assertWhole }: Guard,
  look: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  return async (...args) => {
    const found = await look(...args)
    if (found === undefined) await assertWhole()
    return found
  }
}

export function wholeStore(store: Store, guard: Guard): Store {
  const { builds, jobs, repositories, deliveries } = store
  return {
    ...store,
    builds: { ...builds, get: believing(guard, builds.get) },
    jobs: { ...jobs, get: believing(guard, jobs.get) },
    repositories: { ...repositories, get: believing(guard, repositories.get) },
    deliveries: {
      ...deliveries,
      get: believing(guard, deliveries.get),
      body: believing(guard, deliveries.body),
    },
  }
}

/** No tokens means that whoever is on this computer may do everything; an emptied Redis must not. */
export function wholeTokens(tokens: Tokens, guard: Guard): Tokens {
  return {
    ...tokens,
    verify: believing(guard, tokens.verify),
    list: async () => {
      const found = await tokens.list()
      if (found.length === 0) await guard.assertWhole()
      return found
    },
  }
}

export function wholeVault(vault: Vault, guard: Guard): Vault {
  return {
    ...vault,
    get: believing(guard, vault.get),
    names: async (scope) => {
      const found = await vault.names(scope)
      if (found.length === 0) await guard.assertWhole()
      return found
    },
    resolve: async (repository, names) => {
      const found = await vault.resolve(repository, names)
      if (names.some((name) => found[name] === undefined)) await guard.assertWhole()
      return found
    },
  }
}
