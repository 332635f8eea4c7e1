import { InfraError } from '../../config/errors.ts'

/** What is said where a file of a job cannot be written, whatever Node says of it. */
export function writeFailure(path: string, cause: unknown): InfraError {
  const found = cause instanceof Error ? cause.message : String(cause)
  return new InfraError('host-disk-full', `expected to write to ${path}, got ${found}`, {
    hint: 'free space on the disk of the data folder, or name another with --data',
    cause,
  })
}
