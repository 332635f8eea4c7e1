import type { JsonSchema } from './json-schema.ts'

/** A type as the reference names it: `size`, `whole number`, `list of text`, or a link to the section of a mapping. */
export const typeInWords = (schema: JsonSchema): string => {
  if (schema.$ref !== undefined) return linkTo(schema.$ref.replace('#/$defs/', ''))
  if (schema.title !== undefined) return schema.title
  if (schema.enum !== undefined) return oneOf(schema.enum.map((word) => `\`${word}\``))
  if (isOneOrMore(schema)) return `${typeInWords(schema.anyOf?.[0] ?? {})}; or a list`
  if (schema.anyOf !== undefined) return oneOf(schema.anyOf.map(typeInWords))
  if (typeof schema.type !== 'string') return oneOf((schema.type ?? []).map(plainType))
  if (schema.type === 'array') return `list of ${typeInWords(schema.items ?? {})}`
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object') {
    return `mapping of names to ${typeInWords(schema.additionalProperties)}`
  }
  return plainType(schema.type)
}

/** `oneOrMore` of config/schema/list.ts: an entry, or a list of such entries. */
const isOneOrMore = ({ anyOf: [entry, list] = [] }: JsonSchema): boolean =>
  list?.items !== undefined && JSON.stringify(list.items) === JSON.stringify(entry)

const linkTo = (name: string): string => `[${name}](#${name})`

const oneOf = (types: readonly string[]): string => {
  const different = [...new Set(types)]
  const last = different.pop() ?? 'anything'
  return different.length === 0 ? last : `${different.join(', ')} or ${last}`
}

const plainType = (type: string): string => words[type] ?? type

const words: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  boolean: 'true/false',
  object: 'mapping',
}
