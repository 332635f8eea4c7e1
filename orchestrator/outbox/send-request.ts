import type { Dispatcher } from 'undici'
import { request } from 'undici'
import type { Answer } from './judge-answer.ts'

/** Bytes of an answer that are read; the rest is thrown away. */
const mostRead = 64 * 1024

export type SendRequest = {
  method: 'GET' | 'POST'
  /** http or https, without credentials. */
  url: string
  headers: Readonly<Record<string, string>>
  body: string | undefined
  /** ms until the answer has to be there. */
  timeout: number
  dispatcher?: Dispatcher | undefined
}

/**
 * Sends one request and reads the beginning of its answer. Redirects are not followed: they would carry the
 * credentials to who knows where.
 * @throws Error whose message holds neither header nor body, when there is no answer in time.
 */
export async function sendRequest(options: SendRequest): Promise<Answer> {
  const { method, url, headers, body, timeout, dispatcher } = options
  const signal = AbortSignal.timeout(timeout)
  try {
    const response = await request(url, {
      method,
      headers: { 'user-agent': 'mayfly', ...headers },
      signal,
      ...(body === undefined ? {} : { body }),
      ...(dispatcher === undefined ? {} : { dispatcher }),
    })
    return { status: response.statusCode, headers: response.headers, text: await beginning(response.body) }
  } catch (error) {
    const { host } = new URL(url)
    if (signal.aborted) throw new Error(`${host} did not answer in ${timeout / 1000} s`)
    throw new Error(`${host} cannot be reached: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function beginning(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    const bytes = chunk as Buffer
    chunks.push(bytes)
    size += bytes.length
    if (size >= mostRead) break
  }
  return Buffer.concat(chunks).subarray(0, mostRead).toString('utf8')
}
