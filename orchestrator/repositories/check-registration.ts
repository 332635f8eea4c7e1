import type { z } from 'zod'
import { ConfigError } from '../../config/errors.ts'

/**
 * Holds what came from outside against a schema.
 * @throws ConfigError with everything that is wrong, without the values: they may be secrets
 */
export function checkRegistration<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? '' : `${path.join('.')}: `}${message}`,
  )
  throw new ConfigError(problems.join('\n'), { hint: 'docs/host-file.md explains what a repository has.' })
}
