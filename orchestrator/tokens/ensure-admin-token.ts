import { randomUUID } from 'node:crypto'
import { link, readFile, rm } from 'node:fs/promises'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import { readSecretFile } from '../secrets/read-secret-file.ts'
import type { Tokens } from './token.ts'
import { newTokenText } from './token-text.ts'

/**
 * Sees to it that the token in `file` may do everything here. Where there is no such file a token is made and written to
 * it, for its owner alone: so a server that nobody can reach from its own loopback has a first token.
 * @throws ConfigError where the file cannot be read or holds no token
 */
export async function ensureAdminToken(tokens: Pick<Tokens, 'make' | 'verify'>, file: string): Promise<void> {
  await writeWhereAbsent(file)
  const text = await readSecretFile(file, 'admin_token_file')
  if ((await tokens.verify(text)) !== undefined) return
  await tokens.make({ name: 'admin', scopes: ['admin'], text })
}

/** A link either makes the file with the token in it or fails: two servers at their first start agree on one. */
async function writeWhereAbsent(file: string): Promise<void> {
  const isThere = await readFile(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
  if (isThere) return
  const mine = `${file}.${randomUUID()}`
  try {
    await writeFileAtomic(mine, `${newTokenText()}\n`, 0o600)
    await link(mine, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(mine, { force: true })
  }
}
