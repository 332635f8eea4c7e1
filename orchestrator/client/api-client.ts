import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, InfraError } from '../../config/errors.ts'

type Undici = typeof import('undici')

// Loaded with the first request: commands that ask no server are spared its 20 MB.
const fetch: Undici['fetch'] = async (...request) => await (await import('undici')).fetch(...request)

export type ApiClient = {
  /** @throws ConfigError for what the server refuses, InfraError where it is not there or failed */
  get<T>(path: string): Promise<T>
  /** An answer that is no JSON, in pieces as it comes. */
  text(path: string, onChunk: (chunk: Buffer) => void): Promise<void>
  /** Writes an answer into a file. */
  download(path: string, file: string, signal: AbortSignal): Promise<void>
  send<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<T>
  /** Posts a file. */
  upload<T>(path: string, file: UploadedFile, signal: AbortSignal): Promise<T>
  /** Server-sent events of a path, from a byte offset on; taken up again where a connection broke. */
  follow(
    path: string,
    onEvent: (event: ServerEvent) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<void>
}

export type UploadedFile = {
  readonly path: string
  /** bytes */
  readonly size: number
  /** Its media type. */
  readonly type: string
}

export type ServerEvent = { readonly name: string; readonly data: unknown; readonly id: string | undefined }

type Server = { readonly server: string; readonly token: string | undefined }

const reconnectMs = 1_000
/** Time for the server to unpack and check what it was sent. */
const unpackMs = 20 * 60_000

/** Talks to a server's API as the commands do. */
export function createApiClient({ server, token }: Server): ApiClient {
  const base = server.replace(/\/+$/, '')
  const headers = {
    accept: 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }

  const call = async (method: string, path: string, body?: object) => {
    const json =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } }
    const response = await fetch(`${base}/api/v1${path}`, { method, headers, ...json }).catch(
      (cause: unknown) => {
        throw absent(base, cause)
      },
    )
    if (!response.ok) throw refusal(response.status, await response.text())
    return await response.json()
  }

  return {
    get: async <T>(path: string) => (await call('GET', path)) as T,
    text: async (path, onChunk) => {
      const response = await fetch(`${base}/api/v1${path}`, { headers }).catch((cause: unknown) => {
        throw absent(base, cause)
      })
      if (!response.ok) throw refusal(response.status, await response.text())
      for await (const chunk of response.body ?? []) onChunk(Buffer.from(chunk as Uint8Array))
    },
    download: async (path, file, signal) => {
      const response = await fetch(`${base}/api/v1${path}`, { headers, signal }).catch((cause: unknown) => {
        signal.throwIfAborted()
        throw absent(base, cause)
      })
      if (!response.ok) throw refusal(response.status, await response.text())
      try {
        await pipeline(response.body ?? [], createWriteStream(file, { mode: 0o600 }), { signal })
      } catch (cause) {
        signal.throwIfAborted()
        throw new InfraError('host-lost', `${base} broke off before all was there`, { cause })
      }
    },
    send: async <T>(method: string, path: string, body?: object) => (await call(method, path, body)) as T,
    upload: async <T>(path: string, file: UploadedFile, signal: AbortSignal) => {
      const body = createReadStream(file.path)
      const { request } = await import('undici')
      const asked = request(`${base}/api/v1${path}`, {
        method: 'POST',
        headers: { ...headers, 'content-type': file.type, 'content-length': String(file.size) },
        ...{ body, signal, headersTimeout: unpackMs },
      })
      const response = await asked.catch((cause: unknown) => {
        signal.throwIfAborted()
        throw isCut(cause) ? cutOff(base, cause) : absent(base, cause)
      })
      const answer = await response.body.text()
      if (response.statusCode >= 300) throw refusal(response.statusCode, answer)
      return JSON.parse(answer) as T
    },
    async follow(path, onEvent, signal) {
      let last: string | undefined
      while (!signal.aborted) {
        try {
          const ended = await readEvents(
            `${base}/api/v1${path}`,
            { ...headers, ...(last === undefined ? {} : { 'last-event-id': last }) },
            signal,
            async (event) => {
              last = event.id ?? last
              await onEvent(event)
            },
          )
          if (ended) return
        } catch (error) {
          if (signal.aborted) return
          if (error instanceof ConfigError) throw error
        }
        await sleep(reconnectMs, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}

/** Reads events until `end`, which it says, or until the connection closes. */
async function readEvents(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
  onEvent: (event: ServerEvent) => Promise<void>,
): Promise<boolean> {
  const response = await fetch(url, { headers, signal })
  if (!response.ok) throw refusal(response.status, await response.text())
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = parseEvent(text.slice(0, end))
      text = text.slice(end + 2)
      await onEvent(event)
      if (event.name === 'end') return true
    }
  }
  return false
}

function parseEvent(block: string): ServerEvent {
  const fields = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  )
  const data = fields.get('data')
  return {
    name: fields.get('event') ?? 'message',
    id: fields.get('id'),
    data: data === undefined ? undefined : JSON.parse(data),
  }
}

function refusal(status: number, text: string): ConfigError | InfraError {
  const { message, hint } = describe(text)
  if (status >= 500) return new InfraError('host-lost', `the server answered ${status}: ${message}`, { hint })
  return new ConfigError(status === 401 ? `the server wants a token: ${message}` : message, {
    hint: hint ?? (status === 401 ? 'set MAYFLY_TOKEN, or give --token' : undefined),
  })
}

function describe(text: string): { message: string; hint: string | undefined } {
  try {
    const { error } = JSON.parse(text) as { error: { message: string; hint?: string } }
    return { message: error.message, hint: error.hint }
  } catch {
    return { message: text.slice(0, 300), hint: undefined }
  }
}

function isCut(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return ['EPIPE', 'ECONNRESET', 'UND_ERR_SOCKET'].includes(code)
}

function cutOff(server: string, cause: unknown): InfraError {
  return new InfraError('upload', `expected ${server} to take all that was sent, got the connection closed`, {
    hint: 'The server, or a proxy in front of it, may have stopped or may not take so much; its log says more.',
    cause,
  })
}

function absent(server: string, cause: unknown): InfraError {
  return new InfraError('host-lost', `expected a Mayfly server at ${server}, found none`, {
    hint: 'start one with mayfly serve, or name it with --server or MAYFLY_SERVER',
    cause,
  })
}
