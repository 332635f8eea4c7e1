import type { ValidationTargets } from 'hono'
import { validator } from 'hono-openapi'
import type { ZodType } from 'zod'
import { HttpError } from './http-error.ts'

/** Checks a part of a request; what is wrong is said in the form of every other error, by its name and not its value. */
export function checked<Target extends keyof ValidationTargets, Schema extends ZodType>(
  target: Target,
  schema: Schema,
) {
  return validator(target, schema, (result) => {
    if (result.success) return
    const faults = result.error.map(({ path = [], message }) => {
      const name = path.map((key) => (typeof key === 'object' ? key.key : key)).join('.')
      return `${name || 'the request'}: ${message}`
    })
    throw new HttpError(400, faults.join('; ').slice(0, 1000))
  })
}
