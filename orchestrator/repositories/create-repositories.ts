import { repositoryDefaults } from '../../config/defaults.ts'
import { ConfigError } from '../../config/errors.ts'
import type { HostConfig } from '../../config/host/host-config.ts'
import { type Repository, repositoryKey } from '../model/repository.ts'
import type { Store } from '../model/store.ts'
import type { Vault } from '../secrets/vault.ts'
import { checkRegistration } from './check-registration.ts'
import { registrationChangeSchema, registrationSchema } from './registration-schema.ts'
import type { RegistrationChange, Repositories } from './repositories.ts'
import { checkSecrets, forgetSecrets, keepSecrets } from './repository-secrets.ts'
import { syncHostFile } from './sync-host-file.ts'

type Options = {
  readonly store: Pick<Store, 'repositories'>
  readonly vault: Vault
  readonly host: Pick<HostConfig, 'repositories'>
  readonly now: () => Date
}

/** The register of repositories: records in the store, secrets in the vault. */
export function createRepositories({ store, vault, host, now }: Options): Repositories {
  const records = store.repositories

  /** The host file's word stands until the host file changes. */
  const getOwn = async (key: string): Promise<Repository | undefined> => {
    const repository = await records.get(key)
    if (repository?.from === 'host-file') {
      throw new ConfigError(
        `expected a repository that was registered over the API, got ${key} of the host file`,
        {
          hint: 'Change it in the host file, and restart the server.',
        },
      )
    }
    return repository
  }

  return {
    async add(registration) {
      const { forge, name, secrets = {}, ...rest } = checkRegistration(registrationSchema, registration)
      checkSecrets(secrets)
      const key = repositoryKey({ forge, name })
      if ((await records.get(key)) !== undefined) {
        throw new ConfigError(`expected a repository that is not registered yet, got ${key}`, {
          hint: 'Change or remove the one that there is.',
        })
      }
      const plain: Repository = {
        forge,
        name,
        cloneUrl: rest.cloneUrl,
        apiUrl: undefined,
        pipelineFile: undefined,
        images: undefined,
        limits: { running: undefined, ...repositoryDefaults.limits },
        defaultBranch: repositoryDefaults.branch,
        submodules: repositoryDefaults.submodules,
        lfs: repositoryDefaults.lfs,
        created: now().toISOString(),
        from: 'api',
      }
      const repository = changed(plain, rest)
      // First, for a repository without a webhook secret would be open to nobody, and look broken.
      const made = await keepSecrets({ vault, repository, secrets })
      await records.put(repository)
      return { repository, ...made }
    },
    async change(key, change) {
      const wanted = checkRegistration(registrationChangeSchema, change)
      const repository = await getOwn(key)
      if (repository === undefined) return undefined
      const next = changed(repository, wanted)
      const made = await keepSecrets({ vault, repository: next, secrets: {} })
      await records.put(next)
      return { repository: next, ...made }
    },
    async remove(key) {
      if ((await getOwn(key)) === undefined) return false
      const removed = await records.remove(key)
      await forgetSecrets(vault, key)
      return removed
    },
    get: (key) => records.get(key),
    list: () => records.list(),
    syncHostFile: () => syncHostFile({ records, vault, entries: host.repositories, now }),
  }
}

/** What is given replaces what there is; what is undefined leaves it. */
function changed(repository: Repository, change: RegistrationChange): Repository {
  const { limits, ...rest } = change
  return {
    ...repository,
    ...withoutUndefined(rest),
    limits: { ...repository.limits, ...withoutUndefined(limits ?? {}) },
  }
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
