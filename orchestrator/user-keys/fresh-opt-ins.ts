import type { Logger } from 'pino'
import type { ForgeUser, OptIn, OptIns } from '../holds/opt-ins.ts'
import type { Repository } from '../model/repository.ts'
import { readUserKeys } from './read-user-keys.ts'

type FreshOptIns = {
  readonly optIns: Pick<OptIns, 'get' | 'replace'>
  readonly repositories: { get(key: string): Promise<Repository | undefined> }
  readonly now: () => Date
  readonly log: Logger
  /** milliseconds after which a user's keys are asked for again @defaultValue 10 minutes */
  readonly everyMs?: number
  /** milliseconds for which keys count when the forge does not answer @defaultValue 1 hour */
  readonly longestMs?: number
}

/** After a failure a forge is left alone for this time, whoever knocks. ms */
const restMs = 60_000

/**
 * Opt-ins for the door: the keys of users of a forge are asked for anew when somebody comes and they are old. A forge
 * that is away locks nobody out at once, and lets nobody in for long whose key may have been taken back there.
 */
export function freshOptIns(parts: FreshOptIns): Pick<OptIns, 'get'> {
  const { optIns, now, everyMs = 10 * 60_000, longestMs = 60 * 60_000 } = parts
  const refreshing = new Map<string, Promise<unknown>>()
  const failed = new Map<string, number>()
  const age = ({ read }: ForgeUser) => now().getTime() - Date.parse(read)
  const isStale = (optIn: OptIn) => (optIn.users ?? []).some((user) => age(user) > everyMs)
  const rests = (key: string) => now().getTime() - (failed.get(key) ?? Number.NEGATIVE_INFINITY) < restMs

  const refresh = async (key: string, optIn: OptIn) => {
    const isWhole = await refreshUsers(parts, key, optIn)
    if (isWhole) failed.delete(key)
    else failed.set(key, now().getTime())
    refreshing.delete(key)
  }
  return {
    async get(key) {
      const optIn = await optIns.get(key)
      if (optIn === undefined) return undefined
      if (isStale(optIn) && !rests(key)) {
        const work = refreshing.get(key) ?? refresh(key, optIn)
        refreshing.set(key, work)
        await work
      }
      // Somebody may have changed it meanwhile, whose word counts.
      const current = await optIns.get(key)
      if (current === undefined) return undefined
      return { ...current, users: (current.users ?? []).filter((user) => age(user) <= longestMs) }
    },
  }
}

/** Asks for the keys of all users of an opt-in; false where not all were told. Never rejects. */
export async function refreshUsers(
  { optIns, repositories, now, log }: Omit<FreshOptIns, 'everyMs' | 'longestMs'>,
  key: string,
  optIn: OptIn,
): Promise<boolean> {
  try {
    const repository = await repositories.get(key)
    if (repository === undefined) return false
    let isWhole = true
    const users = await Promise.all(
      (optIn.users ?? []).map(async (user): Promise<ForgeUser> => {
        try {
          const { keys } = await readUserKeys(repository, user.name)
          return { name: user.name, read: now().toISOString(), keys }
        } catch (err) {
          log.warn({ err, repository: key, user: user.name }, 'the keys of a user could not be read anew')
          isWhole = false
          return user
        }
      }),
    )
    await optIns.replace(key, optIn, { ...optIn, users })
    return isWhole
  } catch (err) {
    log.warn({ err, repository: key }, 'who may enter could not be read anew')
    return false
  }
}
