import { CommanderError } from 'commander'
import pc from 'picocolors'
import { ConfigError, InfraError } from '../../config/errors.ts'
import { cleanText } from '../../runner/logs/clean-text.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'

/**
 * Prints what ended a command, as a person can use it: what, and the way out, never a stack trace of a known error.
 * Returns the exit code.
 */
export function reportError(error: unknown): number {
  // commander has printed its own message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.passed : exitCodes.usage
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return exitCodes.passed
  const known = error instanceof ConfigError || error instanceof InfraError
  // What a server or a guest said may be among it.
  const message = cleanText(error instanceof Error ? error.message : String(error))
  process.stderr.write(`${pc.red('mayfly:')} ${known ? message : `an error of Mayfly's own: ${message}`}\n`)
  if (known && error.hint !== undefined) process.stderr.write(`${pc.dim('hint:')} ${error.hint}\n`)
  if (!known && process.env.MAYFLY_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  return exitCodeOf(error)
}
