import { isAbsolute } from 'node:path'
import { ConfigError } from './errors.ts'

/** Where git fetches a repository from. It never holds a password; the user name of ssh is none. */
export type CloneUrl = {
  readonly transport: 'https' | 'http' | 'ssh' | 'file'
  /** As git takes it: an URL, `user@host:path`, or an absolute path. */
  readonly url: string
}

/**
 * Reads a clone URL: `https://`, `http://`, `ssh://`, `git@host:owner/name.git` or an absolute path on this host.
 * @throws ConfigError for anything else and for every URL with a password or a token in it, which is not repeated.
 */
export const readCloneUrl = (text: string): CloneUrl => {
  if (text.length > longest || /[\s\p{Cc}\\]/u.test(text)) throw refused('got blanks, backslashes or more')
  if (isAbsolute(text)) return { transport: 'file', url: text }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return readUrl(text)
  // scp's way of writing. A host or user that starts with a dash would be an option of ssh.
  if (/^(?:[\w.][\w.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:[^\s:-][^\s]*$/.test(text)) {
    return { transport: 'ssh', url: text }
  }
  throw refused(`got ${shown(text)}`)
}

const longest = 2000

const readUrl = (text: string): CloneUrl => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const scheme = /^[a-z0-9+.-]*/i.exec(text)?.[0].toLowerCase() ?? ''
  if (url === undefined) throw refused('got no valid URL')
  if (scheme !== 'https' && scheme !== 'http' && scheme !== 'ssh') {
    throw refused(`got one that starts with ${scheme}://`)
  }
  const isSafeSshUser = scheme === 'ssh' && /^[\w.][\w.-]*$|^$/.test(url.username)
  if (url.password !== '' || (url.username !== '' && !isSafeSshUser)) {
    throw new ConfigError('expected a clone URL without credentials, found some in it', {
      hint: 'Leave them out, revoke them if others have seen them, and give the token as the clone secret.',
    })
  }
  if (url.search !== '' || url.hash !== '') throw refused('got a query or a fragment')
  if (!/^[\w[]/.test(url.hostname)) throw refused('got no host')
  if (url.pathname.length < 2) throw refused('got only a host')
  return { transport: scheme, url: text }
}

const refused = (found: string): ConfigError =>
  new ConfigError(
    `expected a clone URL such as https://forge.example/owner/name.git or git@forge.example:owner/name.git, or an absolute path; ${found}`,
  )

/** What is no URL may be a token that somebody put into the wrong field. */
const shown = (text: string): string =>
  /^[\w./~-]{1,60}$/.test(text) && text.includes('/') ? JSON.stringify(text) : 'something else'
