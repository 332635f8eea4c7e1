import type { Repository } from '../model/repository.ts'

/**
 * Address of a path below the forge's API, for a repository: its own `apiUrl`, else `known` for the forge's public
 * host, else `path` on the host that it is cloned from over HTTP. Credentials in any of them are left out.
 * Undefined where the host is not known.
 */
export function apiUrl(options: {
  repository: Repository
  known?: { host: string; url: string }
  /** Where the API is on a host of one's own, such as `/api/v1`. */
  path: string | undefined
  segments: readonly string[]
}): string | undefined {
  const { repository, known, path, segments } = options
  const base = repository.apiUrl ?? derived(repository.cloneUrl, known, path)
  if (base === undefined || !URL.canParse(base)) return undefined
  const url = new URL(base)
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  const encoded = segments.map((segment) => encodeURIComponent(segment))
  url.pathname = [url.pathname.replace(/\/+$/, ''), ...encoded].join('/')
  return url.href
}

function derived(
  cloneUrl: string,
  known: { host: string; url: string } | undefined,
  path: string | undefined,
): string | undefined {
  const url = URL.canParse(cloneUrl) ? new URL(cloneUrl) : undefined
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (known !== undefined && (!isHttp || url?.host === known.host)) return known.url
  return isHttp && path !== undefined ? `${url?.origin}${path}` : undefined
}
