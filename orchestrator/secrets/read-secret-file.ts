import { readFile } from 'node:fs/promises'
import { ConfigError } from '../../config/errors.ts'

/**
 * The one line of a file that holds a secret, such as a container engine mounts it.
 * @param key what names the file, for the message
 * @throws ConfigError where it cannot be read, or holds nothing
 */
export async function readSecretFile(path: string, key: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError(`${key}: expected a file that can be read at ${path}, got ${cause.code}`, {
      hint: 'Let it belong to the user that Mayfly runs as.',
      cause,
    })
  })
  const secret = text.trim()
  if (secret === '' || /\s/.test(secret))
    throw new ConfigError(`${key}: expected one word in ${path}, got ${secret === '' ? 'nothing' : 'more'}`)
  return secret
}
