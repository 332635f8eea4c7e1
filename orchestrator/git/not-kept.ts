import { ConfigError } from '../../config/errors.ts'

/** For a commit of a local repository that neither its mirror nor the archive has: there is no other place to fetch it from. */
export function notKept(sha: string): ConfigError {
  return new ConfigError(`expected the submitted files of ${sha.slice(0, 12)}, found them removed`, {
    hint: 'Submissions are kept for a while only: submit the folder again.',
  })
}
