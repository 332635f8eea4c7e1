import type { z } from 'zod'

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string }

/** A payload against the few fields that are used; the reason names the first that is not as expected. */
export function parseWith<T>(schema: z.ZodType<T>, what: string, body: unknown): Parsed<T> {
  const result = schema.safeParse(body)
  if (result.success) return { ok: true, value: result.data }
  const issue = result.error.issues[0]
  const where = issue?.path.map(String).join('.') || 'its top level'
  return {
    ok: false,
    reason: `expected ${what}, got one whose ${where} is wrong: ${issue?.message ?? 'unknown'}`,
  }
}
