import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { ConfigError } from '../../config/errors.ts'
import { type SecretsKey, secretsKeyOf } from './seal.ts'

/** Where the keys are, and the folder in which they must not be. */
export type KeyPlace = { readonly keyFile: string; readonly dataFolder: string }

/**
 * The keys of the key file, a line of base64 each. The first one seals, all of them open: there are two only while
 * a rotation is under way. Undefined where there is no file.
 * @throws ConfigError where others can read it, where it is in the data folder, where it is not what it should be
 */
export async function readKeys({ keyFile, dataFolder }: KeyPlace): Promise<SecretsKey[] | undefined> {
  await checkPlace({ keyFile, dataFolder })
  const text = await readPrivate(keyFile)
  if (text === undefined) return undefined
  const keys = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => Buffer.from(line, 'base64'))
  if (keys.length === 0 || keys.some((key) => key.length !== 32)) {
    throw new ConfigError(
      `expected lines of 32 bytes in base64 in the key file ${keyFile}, got something else`,
      {
        hint: 'Bring it back from a backup. Without it the secrets are lost: remove it, and set them anew.',
      },
    )
  }
  return keys.map(secretsKeyOf)
}

export function keysAsText(keys: readonly SecretsKey[]): string {
  const lines = keys.map(({ bytes }) => bytes.toString('base64'))
  return `${['# Opens the secrets of Mayfly. Keep a copy apart from the data folder.', ...lines].join('\n')}\n`
}

/** Links are followed first: what counts is where the bytes are. */
async function checkPlace({ keyFile, dataFolder }: KeyPlace): Promise<void> {
  const file = await realPlace(keyFile)
  const folder = await realPlace(dataFolder)
  if (file === folder || file.startsWith(`${folder}${sep}`)) {
    throw new ConfigError(`expected the key file outside the data folder ${dataFolder}, got ${keyFile}`, {
      hint: 'Name another place with secrets_key in the host file: who copies the data folder must not get the key.',
    })
  }
}

/** As realpath(3), for what need not exist yet. */
async function realPlace(path: string): Promise<string> {
  const absolute = resolve(path)
  try {
    return await realpath(absolute)
  } catch {
    const parent = dirname(absolute)
    return parent === absolute ? absolute : join(await realPlace(parent), absolute.slice(parent.length))
  }
}

/** The mode is that of the very file that is read, not of one that has its name a moment later. */
async function readPrivate(keyFile: string): Promise<string | undefined> {
  const file = await open(keyFile, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new ConfigError(`expected to read the key file ${keyFile}, got ${reasonOf(error)}`, {
      hint: 'Let it belong to the user that Mayfly runs as, with mode 0600.',
      cause: error,
    })
  })
  if (file === undefined) return undefined
  try {
    const stats = await file.stat()
    if (!stats.isFile() || (stats.mode & 0o077) !== 0) {
      const found = stats.isFile() ? `mode 0${(stats.mode & 0o777).toString(8)}` : 'no file'
      throw new ConfigError(
        `expected the key file ${keyFile} to be readable by its owner alone, got ${found}`,
        {
          hint: `chmod 600 ${keyFile}; if others may have read it, rotate the key.`,
        },
      )
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
