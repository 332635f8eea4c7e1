import type { z } from 'zod'
import { bounds } from '../defaults.ts'
import type { Problem } from '../errors.ts'
import { describeValue } from './describe-value.ts'
import type { ValuePath, YamlFile } from './yaml-file.ts'

type Issue = z.core.$ZodIssue

/** The data of a file as its schema gives it, or everything that the schema says is wrong, each with its place. */
export type Checked<T> =
  | { readonly data: T; readonly problems: readonly [] }
  | { readonly data: undefined; readonly problems: readonly Problem[] }

/**
 * Holds a file against a schema. Messages come from the schema; one that starts with `expected` gets what was
 * `found` instead, and its path, added here.
 */
export const checkYaml = <S extends z.ZodType>(yaml: YamlFile, schema: S): Checked<z.output<S>> => {
  const result = schema.safeParse(yaml.value)
  if (result.success) return { data: result.data, problems: [] }
  return {
    data: undefined,
    problems: result.error.issues.slice(0, bounds.problems).flatMap((issue) => problemsOf(issue, [], yaml)),
  }
}

const problemsOf = (issue: Issue, above: ValuePath, yaml: YamlFile): Problem[] => {
  const path = [...above, ...issue.path]
  if (issue.code === 'invalid_union') {
    const branch = issue.errors.find((errors) => !errors.some(isOfAnotherType))
    if (branch !== undefined) return branch.flatMap((inner) => problemsOf(inner, path, yaml))
  }
  if (issue.code === 'unrecognized_keys') {
    // One line for each key, the first ones only: see config/schema/mapping.ts.
    const messages = issue.message.split('\n')
    return issue.keys.slice(0, bounds.problems).map((key, index) =>
      problemAt({
        yaml,
        path: [...path, key],
        part: 'key',
        message: prefixed(path, messages[index] ?? ''),
      }),
    )
  }
  if (issue.code === 'invalid_key') {
    const name = String(path.at(-1))
    const message = completed(issue.issues[0]?.message ?? issue.message, name)
    return [problemAt({ yaml, path, part: 'key', message: prefixed(path.slice(0, -1), message) })]
  }
  const message = completed(issue.message, valueAt(yaml.value, path))
  return [problemAt({ yaml, path, part: 'value', message: prefixed(path, message) })]
}

// Of "text or a mapping", a mapping with a wrong key is meant to be a mapping: only that branch's issues help.
const isOfAnotherType = (issue: Issue): boolean =>
  issue.path.length === 0 &&
  (issue.code === 'invalid_type' || issue.code === 'invalid_value' || issue.code === 'invalid_union')

const completed = (message: string, found: unknown): string =>
  message.startsWith('expected ') && !message.includes(', found ')
    ? `${message}, found ${describeValue(found)}`
    : message

/** `steps[0].timeout: ` and the message; nothing before it at the top of the file. */
const prefixed = (path: ValuePath, message: string): string => {
  const words = path.map((segment, index) => {
    if (typeof segment === 'number') return `[${segment}]`
    return index === 0 ? String(segment) : `.${String(segment)}`
  })
  return path.length === 0 ? message : `${words.join('')}: ${message}`
}

const valueAt = (value: unknown, path: ValuePath): unknown =>
  path.reduce<unknown>((inner, segment) => {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, segment)) return undefined
    return inner[segment as keyof typeof inner]
  }, value)

const problemAt = ({
  yaml,
  path,
  part,
  message,
}: {
  yaml: YamlFile
  path: ValuePath
  part: 'key' | 'value'
  message: string
}): Problem => ({ file: yaml.file, ...yaml.positionOf(path, part), message })
