import { type Document, isMap, LineCounter, parseDocument } from 'yaml'
import { ConfigError } from '../../config/errors.ts'
import type { CloudConfig } from './cloud-config.ts'
import { checkLists } from './list-keys.ts'

export type UserData =
  | { readonly kind: 'none' }
  | { readonly kind: 'cloud-config'; readonly config: CloudConfig }
  | { readonly kind: 'script'; readonly text: string }

/**
 * Reads one custom user-data: a `#cloud-config` document, a `#!` script, or nothing.
 *
 * @throws {ConfigError} with the line and the column of what cloud-init would stumble over
 */
export function parseUserData(text: string): UserData {
  if (text.trim() === '') return { kind: 'none' }
  const nul = text.indexOf('\0')
  if (nul >= 0) throw problem('text without NUL bytes', 'one', positionOf(text, nul))
  if (text.startsWith('#!')) return { kind: 'script', text: checkedScript(text) }
  const [first = ''] = text.split('\n', 1)
  if (first.trimEnd() === '#cloud-config') return { kind: 'cloud-config', config: parseCloudConfig(text) }
  throw problem('#cloud-config or #! at the start', JSON.stringify(first.slice(0, 40)), { line: 1, col: 1 })
}

type Position = { readonly line: number; readonly col: number }

// The kernel takes a carriage return as part of the interpreter's name: `/bin/sh\r: not found`.
function checkedScript(text: string): string {
  const at = text.indexOf('\r\n')
  if (at >= 0) throw problem('a script with LF line ends', 'CRLF', positionOf(text, at))
  return text
}

// YAML 1.1, as PyYAML in the guest reads it: `yes` is true, 0644 is octal. Dates stay the text that they are.
function parseCloudConfig(text: string): CloudConfig {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    version: '1.1',
    lineCounter: lines,
    prettyErrors: false,
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:timestamp'),
  })
  // A warning is a tag that nobody knows; PyYAML refuses those.
  const flaw = document.errors[0] ?? document.warnings[0]
  if (flaw) throw problem('YAML that cloud-init can read', flaw.message, lines.linePos(flaw.pos[0]))
  const root = document.contents
  if (root === null) return {}
  const start = lines.linePos(root.range?.[0] ?? 0)
  if (!isMap(root)) throw problem('a map of cloud-config keys', 'something else', start)
  const config = plain(document, start)
  checkLists(config, (key, message) => {
    const pair = root.items.find((item) => String(item.key) === key)
    const offset = (pair?.key as { range?: [number] } | undefined)?.range?.[0] ?? 0
    throw problem(`a list under ${key}`, message, lines.linePos(offset))
  })
  return config
}

// `maxAliasCount` stops a document of a few lines that would unfold to gigabytes.
function plain(document: Document.Parsed, start: Position): CloudConfig {
  try {
    return document.toJS({ maxAliasCount: 100 }) as CloudConfig
  } catch (cause) {
    throw problem('YAML of a sane size', cause instanceof Error ? cause.message : String(cause), start)
  }
}

function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, col: (before.at(-1)?.length ?? 0) + 1 }
}

function problem(expected: string, got: string, { line, col }: Position): ConfigError {
  const message = `Expected ${expected}, got ${got}`
  return new ConfigError(`user-data:${line}:${col}: ${message}`, {
    problems: [{ file: 'user-data', line, column: col, message }],
    hint: 'Custom user-data is a YAML map under the line #cloud-config, or a script that starts with #!.',
  })
}
