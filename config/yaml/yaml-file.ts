import type { Problem } from '../errors.ts'

export type Position = { readonly line: number; readonly column: number }

/** Where a value lies in a file: keys of mappings and indexes of lists, from the top. */
export type ValuePath = readonly PropertyKey[]

/** A YAML file that was read: its value, and where in the text each part of it stands. */
export type YamlFile = {
  readonly file: string
  /** Plain data; undefined where the text is no YAML at all or the file is empty. */
  readonly value: unknown
  /** What is wrong with the text as YAML. With `value` undefined there is nothing to go on with. */
  readonly problems: readonly Problem[]
  /** The position of a value, or of its key; of the nearest enclosing part where it is absent. */
  positionOf(path: ValuePath, part?: 'key' | 'value'): Position
  /** Keys of the mapping at `path` in the order of the file, which JavaScript objects lose for numbers. */
  keysOf(path: ValuePath): string[]
}
