import { z } from 'zod'
import { bounds } from '../defaults.ts'
import { nearest } from '../nearest.ts'

type Options = {
  /** Keys that would be right with another form of the mapping: named as a guess, but not allowed. */
  readonly also?: readonly string[]
  /** Keys that stand elsewhere, and what to say to who writes them here. */
  readonly misplaced?: Readonly<Record<string, string>>
}

/**
 * A mapping with these keys and no others. An unknown key is an error that names the nearest known one; all messages
 * are in one text, a line for each key, as zod has one issue for all of them.
 */
export const mapping = <S extends z.ZodRawShape>(shape: S, { also = [], misplaced = {} }: Options = {}) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .slice(0, bounds.problems)
            .map((key) => misplaced[key] ?? unknownKey(key, [...Object.keys(shape), ...also]))
            .join('\n')
        : 'expected a mapping',
  })

const unknownKey = (key: string, known: readonly string[]): string => {
  const meant = nearest(key, known)
  const help = meant === undefined ? `expected one of ${known.join(', ')}` : `did you mean "${meant}"?`
  return `unknown key ${JSON.stringify(key.slice(0, 60))}: ${help}`
}
