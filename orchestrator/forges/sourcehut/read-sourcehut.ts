import type { Reading } from '../forge.ts'
import { isRepositoryName } from '../git-names.ts'
import { parseWith } from '../parse-with.ts'
import { readPush } from '../read-push.ts'
import type { GitEvent, UpdatedRef } from './sourcehut-payloads.ts'
import { gitEventPayload, namedPayload } from './sourcehut-payloads.ts'

/** One push may move several refs, and has a reading for each of them. */
export function readSourcehut({ event, body }: { event: string; body: unknown }): readonly Reading[] {
  if (event !== 'GIT_POST_RECEIVE')
    return [ignored(`the event ${JSON.stringify(event.slice(0, 80))} starts no builds`)]
  const parsed = parseWith(gitEventPayload, "the answer to the hook's query", body)
  if (!parsed.ok) return [ignored(parsed.reason)]
  const push = parsed.value.data.webhook
  const updates = push.updates.filter((update) => update !== null)
  return updates.length === 0
    ? [ignored('the push changed no ref')]
    : updates.map((update) => readUpdate(push, update))
}

/** `~owner/name`, as SourceHut writes it in its URLs. */
export function sourcehutName(body: unknown): string | undefined {
  const repository = namedPayload.safeParse(body).data?.data.webhook.repository
  if (repository === undefined) return undefined
  const name = `${repository.owner.canonicalName}/${repository.name}`
  return isRepositoryName(name) ? name : undefined
}

function readUpdate({ repository, pusher }: GitEvent, { ref, old, new: moved }: UpdatedRef): Reading {
  if (moved === null || moved === undefined) return ignored('a ref was deleted')
  const name = ref?.name ?? newRefName(repository.references?.results ?? [], moved)
  if (name === undefined)
    return ignored(
      `a new ref at ${moved.id.slice(0, 12)} was pushed, and SourceHut does not say its name: other refs are at the same commit, which they have had their builds for`,
    )
  return readPush({
    ref: name,
    before: old?.id,
    after: moved.target?.id ?? moved.id,
    message: moved.message ?? '',
    author: moved.author?.name || moved.tagger?.name || '',
    actor: pusher?.canonicalName ?? '',
    cloneUrl: undefined,
  })
}

/** The name of a ref that has just been made: an annotated tag says its own, else the only ref at that commit is it. */
function newRefName(
  references: readonly { name: string; target: string }[],
  moved: { id: string; name?: string | null | undefined },
): string | undefined {
  if (moved.name) return `refs/tags/${moved.name}`
  const names = references.filter(({ name, target }) => target === moved.id && name.startsWith('refs/'))
  return names.length === 1 ? names[0]?.name : undefined
}

function ignored(reason: string): Reading {
  return { kind: 'ignored', reason }
}
