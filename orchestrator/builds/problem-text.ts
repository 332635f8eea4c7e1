import { ConfigError, InfraError } from '../../config/errors.ts'

/** Why a build could not be planned: each problem a line that begins with file:line:column. Rethrows our own errors. */
export function problemText(error: unknown): string {
  if (!(error instanceof ConfigError) && !(error instanceof InfraError)) throw error
  const problems = error instanceof ConfigError ? error.problems : []
  if (problems.length > 0) {
    return problems
      .map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`)
      .join('\n')
  }
  const message = error.message.replaceAll(/\s+/g, ' ')
  return error.hint === undefined ? message : `${message} (${error.hint})`
}

/** The first of the problems, and how many there are beside it. */
export function problemLine(problem: string): string {
  const [first = '', ...more] = problem.split('\n')
  return more.length === 0 ? first : `${first} (and ${more.length} more)`
}
