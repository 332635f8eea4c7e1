import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Redis } from 'ioredis'
import { ConfigError } from '../../config/errors.ts'
import { syncPath } from '../../images/atomic-file.ts'
import { type KeyPlace, keysAsText, readKeys } from './read-keys.ts'
import { keyIdOf, newSecretsKey, type SealedFor, type SecretsKey, seal, unseal } from './seal.ts'
import { vaultKeys } from './vault-keys.ts'

export type VaultPlace = KeyPlace & {
  readonly redis: Redis
  /** Before every name in Redis, with a colon after it. */
  readonly prefix: string
}

const checkPlace: SealedFor = { scope: 'check', name: 'check' }

/**
 * The keys of this installation. The first use makes them; where secrets exist already, a key that does not open
 * them is refused at once, before anything is sealed with it.
 * @throws ConfigError
 */
export async function openKeys(place: VaultPlace): Promise<readonly SecretsKey[]> {
  const { redis, prefix, keyFile } = place
  const { check } = vaultKeys(prefix)
  const sealed = await redis.get(check)
  const keys = await readKeys(place)
  if (keys === undefined && sealed !== null) {
    throw new ConfigError(`expected the key of the secrets in ${keyFile}, got no such file`, {
      hint: 'Copy it from the host that made it, or from a backup, with mode 0600.',
    })
  }
  const usable = keys ?? (await makeKeyFile(place))
  if (sealed === null) await redis.set(check, sealCheck(usable[0] as SecretsKey), 'NX')
  openWith({ keys: usable, place: checkPlace, sealed: (await redis.get(check)) ?? '', keyFile })
  return usable
}

export function sealCheck(key: SecretsKey): string {
  return seal(key, checkPlace, 'mayfly')
}

/** Opens a value with the key that sealed it. @throws ConfigError that says which way the key or the value is wrong */
export function openWith({
  keys,
  place,
  sealed,
  keyFile,
}: {
  keys: readonly SecretsKey[]
  place: SealedFor
  sealed: string
  keyFile: string
}): string {
  const key = keys.find(({ id }) => id === keyIdOf(sealed))
  if (key === undefined) {
    throw new ConfigError(
      `expected the key in ${keyFile} that the secrets were encrypted with, got another`,
      {
        hint: 'All hosts share one key file: copy it from the host that wrote the secrets, or from a backup.',
      },
    )
  }
  try {
    return unseal(key, place, sealed)
  } catch {
    throw new ConfigError(
      `expected the secret ${place.name} of ${place.scope} as it was written, got damage`,
      {
        hint: 'Set it anew.',
      },
    )
  }
}

/** A link either makes the file with the key in it or fails: two processes at first use end up with one key. */
async function makeKeyFile(place: VaultPlace): Promise<readonly SecretsKey[]> {
  const { keyFile } = place
  const mine = `${keyFile}.${process.pid}.${Math.random().toString(36).slice(2)}`
  try {
    await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 })
    await using file = await open(mine, 'wx', 0o600)
    await file.writeFile(keysAsText([newSecretsKey()]))
    await file.sync()
    await link(mine, keyFile)
    await syncPath(dirname(keyFile))
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    if (!exists) {
      throw new ConfigError(
        `expected to make the key file ${keyFile}, got ${error instanceof Error ? error.message : error}`,
        { hint: 'Name a place that can be written with secrets_key in the host file.', cause: error },
      )
    }
  } finally {
    await rm(mine, { force: true })
  }
  const made = await readKeys(place)
  if (made === undefined) throw new ConfigError(`expected the key file ${keyFile}, got none: it was removed`)
  return made
}
