import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { ConfigError } from '../../config/errors.ts'
import type { RepositoryEntry } from '../../config/host/host-config.ts'
import { repositorySecrets } from '../model/repository.ts'
import { checkSecretValue } from '../secrets/secret-name.ts'
import type { Vault } from '../secrets/vault.ts'
import type { RegistrationSecrets } from './repositories.ts'

const kinds = ['webhook', 'token', 'clone'] as const

export function checkSecrets(secrets: RegistrationSecrets): void {
  for (const kind of kinds) {
    const value = secrets[kind]
    if (value !== undefined) checkSecretValue(repositorySecrets[kind], value)
  }
}

/** Puts secrets into the vault. Gives the webhook secret that was made where there is none yet. */
export async function keepSecrets(order: {
  vault: Vault
  key: string
  secrets: RegistrationSecrets
}): Promise<string | undefined> {
  const { vault, key, secrets } = order
  for (const kind of kinds) {
    const value = secrets[kind]
    const name = repositorySecrets[kind]
    if (value !== undefined && (await vault.get(key, name)) !== value) await vault.set(key, name, value)
  }
  if ((await vault.names(key)).includes(repositorySecrets.webhook)) return undefined
  const made = randomBytes(32).toString('hex')
  await vault.set(key, repositorySecrets.webhook, made)
  return made
}

export async function forgetSecrets(vault: Vault, key: string): Promise<void> {
  for (const name of await vault.names(key)) await vault.remove(key, name)
}

/** One secret a file; the line's end that editors put there is no part of it. */
export async function readSecretFiles(files: RepositoryEntry['secretFiles']): Promise<RegistrationSecrets> {
  const found: { -readonly [kind in keyof RegistrationSecrets]: string | undefined } = {}
  for (const kind of kinds) {
    const file = files[kind]
    if (file !== undefined) found[kind] = (await readSecret(file)).replace(/\r?\n$/, '')
  }
  checkSecrets(found)
  return found
}

async function readSecret(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new ConfigError(
      `expected a secret in ${file}, got ${error instanceof Error ? error.message : error}`,
      { hint: 'Look at secret_files in the host file, and at who may read the file.', cause: error },
    )
  }
}
