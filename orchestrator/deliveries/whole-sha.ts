import type { Dispatcher } from 'undici'
import { z } from 'zod'
import { ConfigError, InfraError } from '../../config/errors.ts'
import type { Forges } from '../forges/forges.ts'
import { isWholeSha } from '../forges/git-names.ts'
import type { Repository } from '../model/repository.ts'
import { repositoryKey, repositorySecrets } from '../model/repository.ts'
import type { Trigger } from '../model/trigger.ts'
import { judgeAnswer } from '../outbox/judge-answer.ts'
import { sendRequest } from '../outbox/send-request.ts'
import type { Vault } from '../secrets/vault.ts'

/** A trigger with its whole hash: as it is for most, asked of the forge for one that said only its beginning. */
export type WholeSha = (repository: Repository, trigger: Trigger) => Promise<Trigger>

const commit = z.object({ hash: z.string() })

/**
 * Bitbucket's pull requests name their commits by twelve digits; its API knows the rest.
 * @throws (the function) InfraError where the API cannot be asked now, ConfigError where it does not know the commit
 */
export function createWholeSha(options: {
  forges: Forges
  vault: Pick<Vault, 'get'>
  now: () => Date
  dispatcher?: Dispatcher
}): WholeSha {
  const { forges, vault, now, dispatcher } = options
  return async (repository, trigger) => {
    if (isWholeSha(trigger.sha)) return trigger
    const key = repositoryKey(repository)
    const token = await vault.get(key, repositorySecrets.token)
    const request = forges[repository.forge].commitRequest?.({ repository, token, sha: trigger.sha })
    if (request === undefined) throw unknown(trigger.sha, 'there is nobody to ask', undefined)
    const answer = await sendRequest({ ...request, timeout: 10_000, dispatcher }).catch(unreachable)
    const judged = judgeAnswer(answer, now())
    if (judged.kind === 'later') throw new InfraError('host-lost', `${trigger.sha}: ${judged.reason}`)
    if (judged.kind === 'refused') throw unknown(trigger.sha, judged.reason, token)
    const hash = commit.safeParse(parsedJson(answer.text)).data?.hash
    if (hash === undefined || !isWholeSha(hash) || !hash.toLowerCase().startsWith(trigger.sha))
      throw unknown(trigger.sha, 'the answer names another commit', token)
    return { ...trigger, sha: hash.toLowerCase() }
  }
}

function unreachable(error: unknown): never {
  throw new InfraError('host-lost', error instanceof Error ? error.message : String(error), { cause: error })
}

function unknown(sha: string, reason: string, token: string | undefined): ConfigError {
  const clean = token === undefined ? reason : reason.replaceAll(token, '***')
  return new ConfigError(`expected the forge to know the whole hash of ${sha}: ${clean}`, {
    hint: `For a private repository set ${repositorySecrets.token} to a token that may read it.`,
  })
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
