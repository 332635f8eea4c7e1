import { open } from 'node:fs/promises'
import { bounds } from '../defaults.ts'
import { ConfigError } from '../errors.ts'
import { parseSize } from '../size.ts'

/**
 * The text of a configuration file. Reads little more than the bound, whatever the file is: a pipe or a device too.
 * @throws ConfigError where the file is absent, no file, not readable, too large or not UTF-8.
 */
export const readTextFile = async ({ file, what }: { file: string; what: string }): Promise<string> => {
  const limit = parseSize(bounds.fileBytes)
  const bytes = await readAtMost(file, limit + 1).catch((error: unknown) => {
    throw unreadable({ file, what, error })
  })
  if (bytes.length > limit) {
    throw new ConfigError(`expected ${what} ${file} to have at most ${bounds.fileBytes}, found more`, {
      hint: 'Move long scripts into files of the repository and run them from a step.',
    })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new ConfigError(`expected ${what} ${file} to be UTF-8 text, found other bytes`, {
      hint: 'Save the file as UTF-8.',
      cause,
    })
  }
}

const readAtMost = async (file: string, limit: number): Promise<Buffer> => {
  const handle = await open(file)
  const chunks: Buffer[] = []
  // The stream closes the handle, also when it fails or is left early.
  for await (const chunk of handle.createReadStream({ end: limit - 1 })) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const unreadable = ({ file, what, error }: { file: string; what: string; error: unknown }): ConfigError => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  const [found, hint] = explanations[code] ?? [`an error (${code})`, 'Check the file and its folder.']
  return new ConfigError(`expected ${what} at ${file}, found ${found}`, { hint, cause: error })
}

const explanations: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['nothing', 'Give the path of a file that is there.'],
  ENOTDIR: ['nothing', 'Give the path of a file that is there.'],
  EISDIR: ['a folder', 'Give the path of a file, not of its folder.'],
  EACCES: ['a file that may not be read', 'Let this user read the file and its folder.'],
}
