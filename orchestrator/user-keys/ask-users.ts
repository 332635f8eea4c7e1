import { ConfigError } from '../../config/errors.ts'
import type { ForgeUser } from '../holds/opt-ins.ts'
import type { Repository } from '../model/repository.ts'
import { readUserKeys, type UserKeys } from './read-user-keys.ts'

type AskUsers = {
  readonly repository: Repository
  readonly names: readonly string[]
  readonly now: () => Date
}

type Asked = {
  readonly users: readonly ForgeUser[]
  /** What of their keys is of no use. */
  readonly problems: readonly string[]
}

/**
 * Reads the keys of users of a forge, for somebody who lets them in: each must have one that the gateway can take.
 * @throws ConfigError for a user without one; else as `readUserKeys`
 */
export async function askNewUsers(ask: AskUsers): Promise<Asked> {
  const asked = await askUsers(ask)
  const none = asked.users.find(({ keys }) => keys.length === 0)
  if (none === undefined) return asked
  const [problem = 'the forge has none of that user'] = asked.problems
  throw new ConfigError(`expected keys of ${none.name} that can be used, found none: ${problem}`, {
    hint: 'the user has to add an ed25519, ECDSA or RSA key to the account',
  })
}

/** The same for users who were let in before: one who has no key any more comes in no more. */
export async function askUsers({ repository, names, now }: AskUsers): Promise<Asked> {
  const unique = [...new Set(names)]
  const found = await Promise.all(
    unique.map(async (name): Promise<UserKeys & { name: string }> => {
      return { name, ...(await readUserKeys(repository, name)) }
    }),
  )
  return {
    users: found.map(({ name, keys }) => ({ name, read: now().toISOString(), keys })),
    problems: found.flatMap(({ problems }) => problems),
  }
}
