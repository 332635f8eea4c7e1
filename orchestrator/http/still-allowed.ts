import { type Caller, localToken } from './auth.ts'
import type { HttpParts } from './http-parts.ts'

/**
 * Whether who was let in a while ago would be let in now: the token was not revoked and is not over, and this computer
 * is trusted only as long as there is none. Redis being away for a moment takes nothing from anybody.
 */
export async function stillAllowed(
  { tokens, now }: Pick<HttpParts, 'tokens' | 'now'>,
  { token: id }: Pick<Caller, 'token'>,
): Promise<boolean> {
  const all = await tokens.list().catch(() => undefined)
  if (all === undefined) return true
  if (id === localToken) return all.length === 0
  const isGood = (expires: string | undefined) =>
    expires === undefined || Date.parse(expires) > now().getTime()
  return all.some((token) => token.id === id && isGood(token.expires))
}
