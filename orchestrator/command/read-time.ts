import { parseDuration } from '../../config/duration.ts'
import { ConfigError } from '../../config/errors.ts'

/** Milliseconds of a flag such as `--wait`. @throws ConfigError that names the flag */
export function readTime(flag: string, text: string): number {
  try {
    return parseDuration(text)
  } catch (cause) {
    throw new ConfigError(`${flag}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
