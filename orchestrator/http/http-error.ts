import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** An answer other than the one asked for: status, what was expected and found, and the way out. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: ContentfulStatusCode
  readonly hint: string | undefined

  constructor(status: ContentfulStatusCode, message: string, { hint }: { hint?: string } = {}) {
    super(message)
    this.status = status
    this.hint = hint
  }
}

/** For a path that names something that is not there. */
export function notFound(what: string, id: string): HttpError {
  return new HttpError(404, `expected a ${what} that exists, got ${JSON.stringify(id.slice(0, 100))}`)
}
