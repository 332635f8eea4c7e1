import { hostJsonSchema, type JsonSchema, pipelineJsonSchema } from './json-schema.ts'
import { typeInWords } from './type-in-words.ts'

/** `docs/pipeline-file.md`: every key of the pipeline file with its type, default and meaning. */
export const pipelineReference = (introduction: string): string => {
  const { $defs = {} } = pipelineJsonSchema()
  const { job, ...parts } = $defs
  return page([introduction, ...sections({ ...(job === undefined ? {} : { job }), ...parts })])
}

/** `docs/host-file.md`: every key of the host file with its type, default and meaning. */
export const hostReference = (introduction: string): string => {
  const { $defs = {}, ...top } = hostJsonSchema()
  return page([introduction, '## The keys of the host file', table(top), ...sections($defs)])
}

const page = (blocks: readonly string[]): string =>
  `${[notice, ...blocks].map((block) => block.trim()).join('\n\n')}\n`

const notice = '<!-- Generated from the schemas in config/ by `npm run generate`. Do not edit. -->'

const sections = (definitions: Readonly<Record<string, JsonSchema>>): string[] =>
  Object.entries(definitions).map(([name, schema]) =>
    [`## ${name}`, schema.description ?? '', table(schema)].filter((block) => block !== '').join('\n\n'),
  )

const table = ({ properties = {}, required = [] }: JsonSchema): string => {
  const rows = Object.entries(properties).map(([key, schema]) => {
    const fallback = required.includes(key) ? '*required*' : inCode(schema.default)
    return [`\`${key}\``, typeInWords(schema), fallback, schema.description ?? '']
  })
  return [['key', 'type', 'default', 'meaning'], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.map(inCell).join(' | ')} |`)
    .join('\n')
}

const inCode = (value: unknown): string => {
  const isEmpty = value === undefined || (typeof value === 'object' && JSON.stringify(value).length === 2)
  if (isEmpty) return ''
  return `\`${Array.isArray(value) ? value.join(', ') : String(value)}\``
}

const inCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
