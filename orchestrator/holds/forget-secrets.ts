import { timeLimit } from '../../runner/time-limit.ts'
import type { Kept } from './hold-parts.ts'

/** Time for the secrets to be removed from a machine, ms. */
const forgetMs = 5 * 60_000

/** Removes secrets from a machine before anybody is let in or it is frozen; why not, where they could not be. */
export async function forgetSecrets({
  machine,
  secrets,
}: Pick<Kept, 'machine' | 'secrets'>): Promise<string | undefined> {
  const limit = timeLimit(new AbortController().signal, forgetMs)
  try {
    await machine.forgetSecrets(secrets, limit.signal)
    return undefined
  } catch (error) {
    return `its secrets could not be removed: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    limit.clear()
  }
}
