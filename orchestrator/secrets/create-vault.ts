import { ConfigError } from '../../config/errors.ts'
import { shareNext } from '../../runner/share-next.ts'
import { openKeys, openWith, type VaultPlace } from './open-keys.ts'
import { readKeys } from './read-keys.ts'
import { type SecretsKey, seal } from './seal.ts'
import { checkScope, checkSecretName, checkSecretValue, checkUserSecretName } from './secret-name.ts'

import type { Vault } from './vault.ts'
import { vaultKeys } from './vault-keys.ts'

/**
 * Secrets in Redis, sealed with AES-256-GCM by a key that is not in Redis. The key file is read at each use, so that
 * a rotation by another process is followed at once.
 * @throws ConfigError where the key file is readable by others, in the data folder, or not the one of these secrets
 */
export async function createVault(place: VaultPlace): Promise<Vault> {
  const { redis, prefix, keyFile } = place
  const at = vaultKeys(prefix)
  const keys = shareNext(() => presentKeys(place))
  await openKeys(place)

  const get = async (scope: string, name: string): Promise<string | undefined> => {
    checkScope(scope)
    checkSecretName(name)
    const sealed = await redis.hget(at.values(scope), name)
    if (sealed === null) return undefined
    return openWith({ keys: await keys(), place: { scope, name }, sealed, keyFile })
  }

  return {
    get,
    async set(scope, name, value) {
      checkScope(scope)
      checkSecretName(name)
      checkSecretValue(name, value)
      const [key] = await keys()
      const sealed = seal(key, { scope, name }, value)
      await redis.multi().sadd(at.scopes, scope).hset(at.values(scope), name, sealed).exec()
    },
    async remove(scope, name) {
      checkScope(scope)
      return (await redis.hdel(at.values(scope), name)) > 0
    },
    async names(scope) {
      checkScope(scope)
      return (await redis.hkeys(at.values(scope))).sort()
    },
    async resolve(repository, names) {
      const found = new Map<string, string>()
      // Whoever may submit a folder writes its steps too, and could have them print what the host keeps for others.
      const isLocal = repository.startsWith('local:')
      for (const name of new Set(names)) {
        checkUserSecretName(name)
        const value = (await get(repository, name)) ?? (isLocal ? undefined : await get('host', name))
        if (value !== undefined) found.set(name, value)
      }
      return Object.fromEntries(found)
    },
  }
}

async function presentKeys(place: VaultPlace): Promise<readonly [SecretsKey, ...SecretsKey[]]> {
  const [first, ...more] = (await readKeys(place)) ?? []
  if (first === undefined) {
    throw new ConfigError(`expected the key of the secrets in ${place.keyFile}, got no such file`, {
      hint: 'Bring it back from a backup, with mode 0600.',
    })
  }
  return [first, ...more]
}
