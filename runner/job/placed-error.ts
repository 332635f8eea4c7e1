import { InfraError } from '../../config/errors.ts'

/** An error of the machine or the host with the place in the job's life that it came in, such as `in step "test"`. */
export function placedError<E>(error: E, place: string, evidence: readonly string[] = []): E | InfraError {
  if (!(error instanceof InfraError)) return error
  return new InfraError(error.class, `${place}, ${error.message}`, {
    hint: error.hint,
    evidence: error.evidence.length > 0 ? error.evidence : evidence,
    cause: error,
  })
}
