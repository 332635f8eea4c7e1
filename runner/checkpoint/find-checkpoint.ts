import { formatDuration } from '../../config/duration.ts'
import type { Template } from '../template/template.ts'
import { findTemplate, listTemplates } from '../template/template-shelf.ts'
import type { CheckpointKey } from './checkpoint-key.ts'
import type { Setup } from './setup.ts'

type Find = {
  readonly shelf: string
  readonly id: CheckpointKey
  readonly setup: Setup
  readonly onNote: (text: string) => void
}

export type FoundCheckpoint =
  | { readonly kind: 'found'; readonly checkpoint: Template }
  /** One that is there is left for others who allow it to be older. */
  | { readonly kind: 'none'; readonly why: string }

/** The checkpoint that a job may start from; one whose files are not as they were made is thrown away. */
export async function findCheckpoint({ shelf, id, setup, onNote }: Find): Promise<FoundCheckpoint> {
  const own = await findTemplate(shelf, id.key, (fault) =>
    onNote(`checkpoint ${id.key} thrown away: ${fault}`),
  )
  const found = own ?? (setup.access.readsAll ? await ofAnyScope(shelf, id.inputs) : undefined)
  if (found === undefined) return { kind: 'none', why: 'there is none yet' }
  const age = Date.now() - Date.parse(found.manifest.made)
  if (age <= setup.maxAge) return { kind: 'found', checkpoint: found }
  const [is, limit] = [age, setup.maxAge].map((ms) => formatDuration(ms))
  return { kind: 'none', why: `checkpoint ${found.key} is ${is} old, and the job allows ${limit}` }
}

async function ofAnyScope(shelf: string, inputs: string): Promise<Template | undefined> {
  const alike = (await listTemplates(shelf)).filter(
    ({ manifest, fault }) => manifest.checkpoint?.inputs === inputs && fault === undefined,
  )
  return alike.sort((a, b) => (a.manifest.made < b.manifest.made ? 1 : -1))[0]
}
