import type { Redis } from 'ioredis'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import { withLock } from '../../images/lock.ts'
import { openKeys, openWith, sealCheck, type VaultPlace } from './open-keys.ts'
import { keysAsText } from './read-keys.ts'
import { keyIdOf, newSecretsKey, type SecretsKey, seal } from './seal.ts'
import { vaultKeys } from './vault-keys.ts'

/**
 * Seals every secret with a new key and forgets the old one. It can be interrupted anywhere and run again: the key
 * file holds both keys until the last secret is done. Other hosts need a copy of the key file afterwards.
 * @returns how many secrets were sealed anew
 * @throws ConfigError as `createVault`
 */
export async function rotateKey(place: VaultPlace, signal: AbortSignal): Promise<number> {
  return await withLock({ path: `${place.keyFile}.lock`, signal }, async () => {
    const old = await openKeys(place)
    const key = newSecretsKey()
    const keys = [key, ...old]
    await writeFileAtomic(place.keyFile, keysAsText(keys), 0o600)
    let sealed = 0
    // Once more until nothing is left: another process may have read the key file just before it changed.
    for (let more = await sealAll({ place, keys, signal }); more > 0; ) {
      sealed += more
      more = await sealAll({ place, keys, signal })
    }
    await place.redis.set(vaultKeys(place.prefix).check, sealCheck(key))
    await writeFileAtomic(place.keyFile, keysAsText([key]), 0o600)
    return sealed
  })
}

type Sealing = {
  readonly place: VaultPlace
  /** The new one first. */
  readonly keys: readonly SecretsKey[]
  readonly signal: AbortSignal
}

async function sealAll({ place, keys, signal }: Sealing): Promise<number> {
  const { redis, prefix, keyFile } = place
  const key = keys[0] as SecretsKey
  const at = vaultKeys(prefix)
  let count = 0
  for (const scope of await redis.smembers(at.scopes)) {
    for (const [name, old] of Object.entries(await redis.hgetall(at.values(scope)))) {
      signal.throwIfAborted()
      if (keyIdOf(old) === key.id) continue
      const value = openWith({ keys, place: { scope, name }, sealed: old, keyFile })
      count++
      await replace({ redis, hash: at.values(scope), name, old, value: seal(key, { scope, name }, value) })
    }
  }
  return count
}

/** Only where it is still what was read: a secret that was set or removed meanwhile stays so. */
async function replace(change: {
  redis: Redis
  hash: string
  name: string
  old: string
  value: string
}): Promise<void> {
  const { redis, hash, name, old, value } = change
  const script =
    "if redis.call('hget', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('hset', KEYS[1], ARGV[1], ARGV[3]) end"
  await redis.eval(script, 1, hash, name, old, value)
}
