import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { ConfigError } from '../../config/errors.ts'
import type { RepositoryEntry } from '../../config/host/host-config.ts'
import { type Repository, repositoryKey, repositorySecrets } from '../model/repository.ts'
import { checkSecretValue } from '../secrets/secret-name.ts'
import type { Vault } from '../secrets/vault.ts'
import type { MadeSecrets, RegistrationSecrets } from './repositories.ts'

const kinds = ['webhook', 'token', 'clone', 'notification'] as const

export function checkSecrets(secrets: RegistrationSecrets): void {
  for (const kind of kinds) {
    const value = secrets[kind]
    if (value !== undefined) checkSecretValue(repositorySecrets[kind], value)
  }
  checkSigningSecret(secrets.notification)
}

/** Puts secrets into the vault, and makes those that the repository needs and does not have. */
export async function keepSecrets(order: {
  vault: Vault
  repository: Repository
  secrets: RegistrationSecrets
}): Promise<MadeSecrets> {
  const { vault, repository, secrets } = order
  const key = repositoryKey(repository)
  for (const kind of kinds) {
    const value = secrets[kind]
    const name = repositorySecrets[kind]
    if (value !== undefined && (await vault.get(key, name)) !== value) await vault.set(key, name, value)
  }
  const names = await vault.names(key)
  const make = async (name: string, value: string): Promise<string | undefined> => {
    if (names.includes(name)) return undefined
    await vault.set(key, name, value)
    return value
  }
  const notifies = (repository.notify ?? []).length > 0
  return {
    webhookSecret: await make(repositorySecrets.webhook, randomBytes(32).toString('hex')),
    notificationSecret: notifies
      ? await make(repositorySecrets.notification, `whsec_${randomBytes(32).toString('base64')}`)
      : undefined,
  }
}

// What it cannot sign with would be found out at the first build only, in the log.
function checkSigningSecret(value: string | undefined): void {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(value ?? '')?.[1]
  const bytes = base64 === undefined ? 0 : Buffer.from(base64, 'base64').length
  if (value === undefined || (bytes >= 24 && bytes <= 64)) return
  throw new ConfigError(
    'expected a secret for notifications of whsec_ and base64 of 24 to 64 bytes, got another',
    {
      hint: 'Give none, and Mayfly makes one.',
    },
  )
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
