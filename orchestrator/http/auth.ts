import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { createMiddleware } from 'hono/factory'
import type { TokenScope as Scope, Tokens } from '../tokens/token.ts'
import { HttpError } from './http-error.ts'
import type { HttpParts } from './http-parts.ts'
import { remoteAddress } from './remote-address.ts'

/** What a request may do, once it is known whose it is. */
export type Caller = {
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Id of the token that was shown; that of nobody is empty. */
  readonly token: string
}

export type HttpEnv = { Variables: { caller: Caller; requestId: string } }

export const sessionCookie = 'mayfly_session'

/** In the place of a token's id, for callers on this computer. */
export const localToken = 'local'
const local: Caller = { name: 'local', scopes: ['read', 'submit', 'debug', 'admin'], token: localToken }
const nobody: Caller = { name: 'nobody', scopes: [], token: '' }

/**
 * Finds out who calls: a bearer token, or the cookie that the login page sets. As long as no token was ever made,
 * callers on this very computer may do everything, so that a first try needs no set-up; their Host header must name
 * this computer too, for otherwise any web page could have its visitors' browsers do it (DNS rebinding).
 */
export function authenticate({ tokens, metrics }: Pick<HttpParts, 'tokens' | 'metrics'>) {
  return createMiddleware<HttpEnv>(async (context, next) => {
    const sent = bearer(context)
    const given = sent ?? getCookie(context, sessionCookie)
    const token = given === undefined || given === '' ? undefined : await tokens.verify(given)
    // A cookie outlives its token: whoever still has one has to come as far as the login page.
    if (token === undefined && sent === undefined) {
      const isLocal = await isOpen(context, tokens)
      context.set('caller', isLocal ? local : nobody)
      return await next()
    }
    if (token === undefined) {
      metrics.authFailures.inc({ reason: 'unknown' })
      throw new HttpError(401, 'expected a token that was made here and is still good, got another', {
        hint: 'mayfly tokens make NAME --scope read prints a new one',
      })
    }
    context.set('caller', { name: token.name, scopes: token.scopes, token: token.id })
    return await next()
  })
}

/** Lets only callers through that have a scope; admin has them all. */
export function requireScope(scope: Scope, { metrics }: Pick<HttpParts, 'metrics'>) {
  return createMiddleware<HttpEnv>(async (context, next) => {
    const { scopes, name } = context.get('caller')
    if (scopes.includes(scope) || scopes.includes('admin')) return await next()
    metrics.authFailures.inc({ reason: name === 'nobody' ? 'missing' : 'scope' })
    if (name === 'nobody')
      throw new HttpError(401, 'expected a token, got none', { hint: 'send Authorization: Bearer TOKEN' })
    throw new HttpError(
      403,
      `expected a token with scope ${scope}, got one with ${scopes.join(', ') || 'none'}`,
    )
  })
}

async function isOpen(context: Context, tokens: Tokens): Promise<boolean> {
  const host = (context.req.header('host') ?? '').replace(/:\d+$/, '')
  const isLoopback = host === '127.0.0.1' || host === 'localhost' || host === '[::1]'
  return (
    isLoopback &&
    isFromHere(context) &&
    sameOrigin(context) &&
    !forwarded.some((name) => context.req.header(name) !== undefined) &&
    (await tokens.list()).length === 0
  )
}

/** A proxy on this computer sends these for callers that are elsewhere. */
const forwarded = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

// The Host header is the caller's word; its address is not.
function isFromHere(context: Context): boolean {
  const address = remoteAddress(context)
  return address === undefined || address === '::1' || /^(?:::ffff:)?127\./.test(address)
}

// A browser says where a request that changes something comes from; programs say nothing.
function sameOrigin(context: Context): boolean {
  const origin = context.req.header('origin')
  return (
    origin === undefined ||
    origin === new URL(context.req.url).origin ||
    origin === `http://${context.req.header('host')}`
  )
}

function bearer(context: Context): string | undefined {
  return /^Bearer (\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
}
