import { bounds } from '../defaults.ts'
import { ConfigError, type Problem } from '../errors.ts'

/** One error for everything that is wrong in a file, in the order of the file, as `file:line:column: message`. */
export const problemsError = ({
  file,
  problems,
  hint,
}: {
  file: string
  problems: readonly Problem[]
  hint: string
}): ConfigError => {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
  const shown = sorted.slice(0, bounds.problems)
  const lines = shown.map(({ file: name, line, column, message }) => `${name}:${line}:${column}: ${message}`)
  if (sorted.length > shown.length) lines.push(`and ${sorted.length - shown.length} more`)
  const message =
    lines.length === 1 ? lines.join('') : [`${sorted.length} problems in ${file}`, ...lines].join('\n')
  return new ConfigError(message, { problems: shown, hint })
}
