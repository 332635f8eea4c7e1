import { ConfigError } from '../../config/errors.ts'
import { type PublicKey, parsePublicKey } from './public-key.ts'

export type PublicKeys = {
  readonly keys: readonly PublicKey[]
  /** Lines, counted from 1, that hold no key that could be used; the others serve all the same. */
  readonly problems: readonly { readonly line: number; readonly message: string }[]
}

/** Reads many public keys, one a line, as forges give them under `/USER.keys`; empty lines and `#` comments are skipped. */
export function parsePublicKeys(text: string): PublicKeys {
  const keys: PublicKey[] = []
  const problems: { line: number; message: string }[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue
    try {
      keys.push(parsePublicKey(line))
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push({ line: index + 1, message: error.message })
    }
  }
  return { keys, problems }
}
