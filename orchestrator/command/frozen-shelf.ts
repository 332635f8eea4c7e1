import { ConfigError } from '../../config/errors.ts'
import { isTemplateKey } from '../../runner/template/filenames.ts'
import type { Template } from '../../runner/template/template.ts'
import { type ListedTemplate, listTemplates, removeTemplate } from '../../runner/template/template-shelf.ts'
import { printJson } from './print-json.ts'

type RemoveFrozen = {
  readonly shelf: string
  readonly kind: 'template' | 'checkpoint'
  /** A key, or `all`. */
  readonly key: string
  readonly json: true | undefined
}

/** Removes frozen machines and says which. Throws ConfigError for what is no key, or a key of nothing. */
export async function removeFrozen({ shelf, kind, key, json }: RemoveFrozen): Promise<void> {
  if (key !== 'all' && !isTemplateKey(key)) {
    throw new ConfigError(`expected the key of a ${kind} or \`all\`, found ${JSON.stringify(key)}`, {
      hint: `mayfly ${kind}s ls shows the keys`,
    })
  }
  const keys = key === 'all' ? (await listTemplates(shelf)).map((template) => template.key) : [key]
  const removed: string[] = []
  for (const one of keys) if (await removeTemplate(shelf, one)) removed.push(one)
  if (key !== 'all' && removed.length === 0) {
    throw new ConfigError(`expected a ${kind} ${key} on this host, found none`, {
      hint: `mayfly ${kind}s ls shows what is there`,
    })
  }
  if (json) return printJson({ removed })
  process.stdout.write(removed.length === 0 ? 'nothing to remove\n' : `removed ${removed.join(', ')}\n`)
}

/** As `--json` shows one. */
export function shownFrozen({
  key,
  manifest,
  users,
  fault,
  paths,
}: Template & Pick<ListedTemplate, 'users' | 'fault'>): object {
  const { files: _, ...rest } = manifest
  return { ...rest, key, folder: paths.folder, users, fault }
}

/** As a table shows one. */
export function stateOf({ fault, users }: ListedTemplate): string {
  return fault ?? (users.length === 0 ? 'ready' : `ready, in use by ${users.length}`)
}
