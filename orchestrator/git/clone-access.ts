import { type CloneUrl, readCloneUrl } from '../../config/clone-url.ts'
import { type Repository, repositoryKey, repositorySecrets } from '../model/repository.ts'
import type { Vault } from '../secrets/vault.ts'
import type { GitAccess } from './git-environment.ts'

/** How git gets at a repository, and what must never be seen in a message about it. */
export type CloneAccess = GitAccess & { readonly clone: CloneUrl; readonly secrets: readonly string[] }

/** The user name that a forge wants beside a token; the others take any. */
const tokenUsers: Partial<Record<Repository['forge'], string>> = {
  github: 'x-access-token',
  gitlab: 'oauth2',
  bitbucket: 'x-token-auth',
}

/**
 * The clone URL with its token as a header, for that URL and what is below it alone: neither a submodule elsewhere
 * nor another repository of the same forge ever gets it.
 * @throws ConfigError for a URL that is none
 */
export async function cloneAccess(repository: Repository, vault: Pick<Vault, 'get'>): Promise<CloneAccess> {
  const clone = readCloneUrl(repository.cloneUrl)
  const transports = [clone.transport]
  if (clone.transport === 'file' || clone.transport === 'ssh') {
    return { clone, transports, config: [], secrets: [] }
  }
  const token = await vault.get(repositoryKey(repository), repositorySecrets.clone)
  if (token === undefined) return { clone, transports, config: [], secrets: [] }
  const pair = token.includes(':') ? token : `${tokenUsers[repository.forge] ?? 'mayfly'}:${token}`
  const encoded = Buffer.from(pair).toString('base64')
  return {
    clone,
    transports,
    config: [[`http.${clone.url}.extraHeader`, `Authorization: Basic ${encoded}`]],
    secrets: [token, encoded, pair.slice(pair.indexOf(':') + 1)],
  }
}
