import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { ConfigError, InfraError } from '../../config/errors.ts'
import { aboutRequest } from '../logs/about-request.ts'
import { HttpError } from './http-error.ts'
import type { HttpParts } from './http-parts.ts'

/** The one place where an error becomes an HTTP answer; what is not known is logged whole and told in one word. */
export function answerError(log: HttpParts['log']) {
  return (error: Error, context: Context): Response => {
    const { status, message, hint } = describeError(error)
    if (status >= 500) aboutRequest(log, context).error({ err: error }, 'a request failed')
    if (error instanceof HttpError && error.retryAfter !== undefined)
      context.header('Retry-After', String(error.retryAfter))
    return context.json({ error: { message, hint } }, status)
  }
}

/** Status, words and way out of an error, for programs and for people. */
export function describeError(error: Error): Pick<HttpError, 'status' | 'message' | 'hint'> {
  if (error instanceof HttpError) return error
  if (error instanceof ConfigError) return { status: 422, message: error.message, hint: error.hint }
  if (error instanceof InfraError) return { status: 503, message: error.message, hint: error.hint }
  if (error instanceof HTTPException)
    return {
      status: error.status as HttpError['status'],
      message: error.message || 'refused',
      hint: undefined,
    }
  return { status: 500, message: 'an error of our own; the server log has it', hint: undefined }
}
