import { type Dispatcher, request } from 'undici'
import { InfraError } from '../../config/errors.ts'
import { parsePublicKeys } from '../gateway/parse-public-keys.ts'
import type { Repository } from '../model/repository.ts'
import { keysUrl } from './keys-url.ts'

export type UserKeys = {
  /** `TYPE BASE64`, at most `mostKeys`. */
  readonly keys: readonly string[]
  /** What the forge gave and the gateway cannot take, in words. */
  readonly problems: readonly string[]
}

const timeoutMs = 5_000
const mostBytes = 256 * 1024
const mostKeys = 50
const mostRedirects = 3

/**
 * Asks a forge for the public SSH keys of one of its users; none for a user whom it does not know.
 * @throws ConfigError as `keysUrl` does; InfraError where it does not answer in time, or with something else
 */
export async function readUserKeys(
  repository: Pick<Repository, 'forge' | 'apiUrl' | 'cloneUrl'>,
  user: string,
): Promise<UserKeys> {
  const url = keysUrl(repository, user)
  const text = await get(url)
  if (text === undefined) return { keys: [], problems: [`${url}: the forge knows no such user`] }
  const { keys, problems } = parsePublicKeys(text)
  const usable = keys.map(({ type, blob }) => `${type} ${blob.toString('base64')}`)
  return {
    keys: [...new Set(usable)].slice(0, mostKeys),
    problems: problems.slice(0, 5).map(({ line, message }) => `${url}, line ${line}: ${message}`),
  }
}

/** The text of a page; undefined where there is none. */
async function get(from: string): Promise<string | undefined> {
  const signal = AbortSignal.timeout(timeoutMs)
  let url = new URL(from)
  for (let asked = 0; asked <= mostRedirects; asked++) {
    const answer = await ask(url, signal)
    if (answer.status === 404) return undefined
    if (answer.location === undefined) {
      if (answer.status !== 200) throw failed(url, `status ${answer.status}`)
      if (/^text\/html/.test(answer.type)) throw failed(url, 'a page for people; is the forge private?')
      return answer.text
    }
    const next = new URL(answer.location, url)
    // Whoever is sent elsewhere would take somebody else's word for who may enter.
    if (next.origin !== url.origin) throw failed(url, `a redirect to ${next.origin}`)
    url = next
  }
  throw failed(url, 'one redirect after the other')
}

async function ask(url: URL, signal: AbortSignal) {
  try {
    const {
      statusCode: status,
      headers,
      body,
    } = await request(url, {
      signal,
      headers: { 'user-agent': 'mayfly', accept: 'text/plain' },
    })
    const text = await bounded(body, url)
    const location = status >= 300 && status < 400 ? one(headers.location) : undefined
    return { status, location, type: one(headers['content-type']) ?? '', text }
  } catch (error) {
    if (error instanceof InfraError) throw error
    throw failed(url, signal.aborted ? `no answer in ${timeoutMs / 1000} s` : String(error))
  }
}

async function bounded(body: Dispatcher.ResponseData['body'], url: URL): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += (chunk as Buffer).length
    if (size > mostBytes) throw failed(url, `more than ${mostBytes / 1024} KiB`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

function failed(url: URL, got: string): InfraError {
  return new InfraError('host-lost', `expected public keys from ${url.href}, got ${got}`)
}
