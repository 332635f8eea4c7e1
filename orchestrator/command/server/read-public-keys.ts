import { readFileSync } from 'node:fs'
import { ConfigError } from '../../../config/errors.ts'
import { parsePublicKeys } from '../../gateway/parse-public-keys.ts'

/** The keys in a file, 0 for standard input. Throws ConfigError with its line for one that is of no use. */
export function readPublicKeys(file: string | 0): { who: string; publicKey: string }[] {
  const { keys, problems } = parsePublicKeys(readFileSync(file, 'utf8'))
  const [problem] = problems
  if (problem !== undefined) {
    throw new ConfigError(`${file === 0 ? 'standard input' : file}:${problem.line}: ${problem.message}`)
  }
  return keys.map(({ type, blob, fingerprint, comment }) => ({
    who: comment === '' ? fingerprint : comment,
    publicKey: `${type} ${blob.toString('base64')}`,
  }))
}
