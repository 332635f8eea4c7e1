import { type ParseArgsConfig, parseArgs } from 'node:util'
import { ConfigError } from '../../config/errors.ts'

type Flags = NonNullable<ParseArgsConfig['options']>

/** @throws {ConfigError} saying which flags there are */
export function readFlags<T extends Flags>(args: readonly string[], flags: T) {
  try {
    return parseArgs({ args: [...args], options: flags }).values
  } catch (error) {
    const expected = Object.keys(flags).map((flag) => `--${flag}`)
    const message = error instanceof Error ? error.message : String(error)
    throw new ConfigError(`${message}; expected ${expected.join(', ')}, each with a value`)
  }
}
