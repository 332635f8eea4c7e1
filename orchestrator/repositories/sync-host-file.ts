import type { RepositoryEntry } from '../../config/host/host-config.ts'
import { type Repository, repositoryKey } from '../model/repository.ts'
import type { Store } from '../model/store.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Registered, Synced } from './repositories.ts'
import { forgetSecrets, keepSecrets, readSecretFiles } from './repository-secrets.ts'

/** Makes what the store has of the host file what the host file says. */
export async function syncHostFile(order: {
  records: Store['repositories']
  vault: Vault
  entries: readonly RepositoryEntry[]
  now: () => Date
}): Promise<Synced> {
  const { records, vault, entries, now } = order
  // All files are read before anything changes: a mistake in one leaves everything as it was.
  const read = await Promise.all(
    entries.map(async (entry) => ({ entry, secrets: await readSecretFiles(entry.secretFiles) })),
  )
  const added: Registered[] = []
  const changed: string[] = []
  const made: Registered[] = []
  for (const { entry, secrets } of read) {
    const key = repositoryKey(entry)
    const old = await records.get(key)
    const repository = fromEntry(entry, old?.created ?? now().toISOString())
    const registered = { repository, ...(await keepSecrets({ vault, repository, secrets })) }
    if (registered.webhookSecret !== undefined || registered.notificationSecret !== undefined)
      made.push(registered)
    if (old !== undefined && sameRecord(old, repository)) continue
    await records.put(repository)
    if (old === undefined) added.push(registered)
    else changed.push(key)
  }
  const named = new Set(entries.map(repositoryKey))
  const left = (await records.list()).filter(({ from }) => from === 'host-file').map(repositoryKey)
  const removed = left.filter((key) => !named.has(key))
  for (const key of removed) {
    await records.remove(key)
    await forgetSecrets(vault, key)
  }
  return { added, changed, removed, made }
}

function fromEntry({ secretFiles: _, ...entry }: RepositoryEntry, created: string): Repository {
  return { ...entry, created, from: 'host-file' }
}

/** As JSON writes them: a key without a value is no difference, nor is the order of keys. */
function sameRecord(a: Repository, b: Repository): boolean {
  return ordered(a) === ordered(b)
}

function ordered(repository: Repository): string {
  return JSON.stringify(repository, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}
