import { namedLimits } from '../limits/named-limits.ts'
import { hostJsonSchema, type JsonSchema } from './json-schema.ts'
import { limitsIntroduction } from './limits-introduction.ts'

/** `docs/limits.md`: every limit by its key in the host file, with its default, its meaning and what comes of it. */
export const limitsReference = (): string => {
  const schema = hostJsonSchema()
  const rows = Object.entries(namedLimits).map(([name, reached]) => {
    const found = schemaAt(schema, name)
    return `| \`${name}\` | ${defaultOf(found)} | ${found.description ?? ''} | ${reached} |`
  })
  const head = ['| key | default | what it bounds | when it is reached |', '|---|---|---|---|']
  return `${notice}\n\n${limitsIntroduction.trim()}\n\n${[...head, ...rows].join('\n')}\n`
}

const notice = '<!-- Generated from the schemas in config/ by `npm run generate`. Do not edit. -->'

const defaultOf = ({ default: fallback }: JsonSchema): string =>
  fallback === undefined ? 'none' : `\`${String(fallback)}\``

/** The key's schema; entries of a list count as the list. Throws for a key that the host file does not have. */
const schemaAt = (top: JsonSchema, path: string): JsonSchema =>
  path.split('.').reduce((schema, key) => {
    const found = resolved(top, schema).properties?.[key]
    if (found === undefined) throw new Error(`expected a key of the host file, got ${path}`)
    return found
  }, top)

const resolved = (top: JsonSchema, schema: JsonSchema): JsonSchema => {
  const target = schema.$ref ?? schema.items?.$ref
  return target === undefined ? schema : (top.$defs?.[target.replace('#/$defs/', '')] ?? schema)
}
