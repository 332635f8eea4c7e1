import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** An answer other than the one asked for: status, what was expected and found, and the way out. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: ContentfulStatusCode
  readonly hint: string | undefined
  /** Seconds after which it is worth another try. */
  readonly retryAfter: number | undefined

  constructor(
    status: ContentfulStatusCode,
    message: string,
    { hint, retryAfter }: { hint?: string; retryAfter?: number } = {},
  ) {
    super(message)
    this.status = status
    this.hint = hint
    this.retryAfter = retryAfter
  }
}

/** For a path that names something that is not there. */
export function notFound(what: string, id: string): HttpError {
  return new HttpError(404, `expected a ${what} that exists, got ${JSON.stringify(id.slice(0, 100))}`)
}
