import { InfraError } from '../../config/errors.ts'
import type { RecordFields } from './scripts.ts'

/** A record, or a change of one, as fields of a hash: each value a JSON text, what is undefined absent. */
export function toFields(record: Readonly<Record<string, unknown>>): RecordFields {
  const set: Record<string, string> = {}
  const unset: string[] = []
  for (const [field, value] of Object.entries(record)) {
    if (value === undefined) unset.push(field)
    else set[field] = JSON.stringify(value)
  }
  return { set, unset }
}

/**
 * The record back. Fields of a newer version are kept in Redis and handed out as they are; those with a leading dot
 * are the store's own.
 *
 * @throws {InfraError} on a field that is no JSON
 */
export function fromFields<T>(fields: Readonly<Record<string, string>>): T {
  const record: Record<string, unknown> = {}
  for (const [field, text] of Object.entries(fields)) {
    if (!field.startsWith('.')) record[field] = parse(field, text)
  }
  return record as T
}

/** As a script answers: names and values in turn. */
export function fromPairs<T>(pairs: readonly string[]): T {
  const fields: Record<string, string> = {}
  for (let index = 0; index + 1 < pairs.length; index += 2)
    fields[pairs[index] ?? ''] = pairs[index + 1] ?? ''
  return fromFields(fields)
}

function parse(field: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new InfraError(
      'host-lost',
      `expected JSON in field ${field} of a record, got ${JSON.stringify(text)}`,
      {
        hint: 'Something else writes to this Redis: give Mayfly one of its own.',
        cause,
      },
    )
  }
}
