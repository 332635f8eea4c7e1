import { readCloneUrl } from '../../config/clone-url.ts'
import { ConfigError } from '../../config/errors.ts'
import type { RepositoryForge } from '../model/forge-name.ts'
import type { Repository } from '../model/repository.ts'

type Where = Pick<Repository, 'forge' | 'apiUrl' | 'cloneUrl'>

/** What of an API's address is not its web pages'. */
const apiPaths = /(?:\/api\/(?:v\d+|graphql)|\/query|\/graphql)\/?$/
const apiHosts: Readonly<Record<string, string>> = { 'api.github.com': 'github.com' }

/**
 * Where the forge of a repository gives the public SSH keys of one of its users.
 * @throws ConfigError for a forge that gives none, one whose address is not known, and what is no user name
 */
export function keysUrl(repository: Where, user: string): string {
  const { forge } = repository
  if (forge === 'bitbucket' || forge === 'local') throw givesNone(forge)
  const name = user.replace(/^~/, '')
  if (!/^[A-Za-z0-9_](?:[\w.-]{0,98}[\w-])?$/.test(name)) {
    throw new ConfigError(
      `expected the name of a user of the forge, got ${JSON.stringify(user.slice(0, 100))}`,
    )
  }
  const url = new URL(baseOf(repository))
  const isSourcehut = forge === 'sourcehut'
  // git.sr.ht keeps repositories, meta.sr.ht users.
  if (isSourcehut) url.hostname = url.hostname.replace(/^git\./, 'meta.')
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${isSourcehut ? '~' : ''}${name}.keys`
  return url.href
}

function givesNone(forge: RepositoryForge): ConfigError {
  const what =
    forge === 'local' ? 'a submitted folder has no forge' : 'Bitbucket does not give the keys of its users'
  return new ConfigError(`expected a forge that gives the keys of its users, got ${forge}: ${what}`, {
    hint: 'give the keys themselves: mayfly repos debug REPOSITORY --key FILE',
  })
}

/** Address of the forge's pages: what is configured of its API, else where the repository is cloned from. */
function baseOf({ apiUrl, cloneUrl }: Where): string {
  if (apiUrl !== undefined) {
    const url = new URL(apiUrl)
    url.hostname = apiHosts[url.hostname] ?? url.hostname
    return `${url.origin}${url.pathname.replace(apiPaths, '')}`
  }
  const { transport, url } = readCloneUrl(cloneUrl)
  if (transport === 'http' || transport === 'https') return new URL(url).origin
  const host = transport === 'ssh' ? hostOf(url) : undefined
  if (host !== undefined) return `https://${host}`
  throw new ConfigError(
    `expected a repository of which the forge's address is known, got one from ${cloneUrl}`,
    {
      hint: "give the base of the forge's API: mayfly repos set REPOSITORY --api-url URL",
    },
  )
}

function hostOf(url: string): string | undefined {
  if (URL.canParse(url) && url.startsWith('ssh://')) return new URL(url).hostname
  return /^(?:[^@/]*@)?([A-Za-z0-9.-]+):/.exec(url)?.[1]
}
