import type { Dispatcher } from 'undici'
import { InfraError } from '../../config/errors.ts'

type GetOptions = {
  readonly headers?: Record<string, string>
  /** Whether a redirect may leave https; only for what a checksum checks afterwards. */
  readonly mayDowngrade: boolean
  readonly signal: AbortSignal
}

export type HttpResponse = Dispatcher.ResponseData<unknown>
export type HttpGet = (url: string, options: GetOptions) => Promise<HttpResponse>

/**
 * One set of connections for one pull: follows redirects, goes through the proxies that the environment names
 * (never for loopback), and gives up on a server that is silent for a minute.
 */
export async function withHttp<T>(work: (get: HttpGet) => Promise<T>): Promise<T> {
  // Loaded here, for it takes 20 MB and a fifth of a second that a job whose image is here does not have to spend.
  const { EnvHttpProxyAgent, interceptors, request } = await import('undici')
  const { no_proxy, NO_PROXY } = process.env
  const agent = new EnvHttpProxyAgent({
    noProxy: [no_proxy ?? NO_PROXY ?? '', 'localhost', '127.0.0.1', '[::1]'].filter(Boolean).join(','),
    connect: { timeout: 30_000 },
    headersTimeout: 60_000,
    bodyTimeout: 60_000,
  })
  const redirect = interceptors.redirect({ maxRedirections: 5 })
  const anywhere = agent.compose(redirect)
  const httpsOnly = agent.compose(refusePlainHttp, redirect)
  try {
    return await work((url, { headers, mayDowngrade, signal }) =>
      request(url, {
        dispatcher: mayDowngrade || !url.startsWith('https:') ? anywhere : httpsOnly,
        signal,
        // A server that compresses on the way would break offsets and checksums.
        headers: { 'accept-encoding': 'identity', ...headers },
      }),
    )
  } finally {
    await agent.destroy()
  }
}

/** Sits below the redirects, so it sees each hop: one over http would let anyone on the way answer. */
const refusePlainHttp: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  const origin = String(options.origin)
  if (origin.startsWith('https:')) {
    return dispatch(options, handler)
  }
  const error = new InfraError('image', `expected every redirect to stay on https, got one to ${origin}`, {
    hint: 'Pin the file with `digest: sha256:<hex>` in the host file.',
  })
  handler.onResponseError?.(undefined as never, error)
  return true
}

/** A header that a server may send twice; the first counts. */
export function header(response: HttpResponse, name: string): string | undefined {
  const value = response.headers[name]
  return Array.isArray(value) ? value[0] : value
}
