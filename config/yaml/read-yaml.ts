import { Composer, type Document, LineCounter, Parser, type YAMLParseError } from 'yaml'
import { bounds } from '../defaults.ts'
import type { Problem } from '../errors.ts'
import { formatSize, parseSize } from '../size.ts'
import { guardDocument } from './guard-document.ts'
import { keepAsWritten } from './keep-as-written.ts'
import { nestsTooDeep } from './nests-too-deep.ts'
import { keysAt, positionAt } from './position.ts'
import type { Position, YamlFile } from './yaml-file.ts'

/**
 * Reads YAML 1.2 text, however hostile: too much of it, nested without end, or unfolding without end is a problem
 * with a position, as a syntax error is. It never throws.
 *
 * `asWritten` are keys below which a plain `1.10` or `True` stays the text it is: versions are no numbers.
 */
export const readYaml = ({
  file,
  text,
  asWritten = [],
}: {
  file: string
  text: string
  asWritten?: readonly string[]
}): YamlFile => {
  const lines = new LineCounter()
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const problem = (offset: number, message: string): Problem => ({ file, ...at(offset), message })
  const failed = (problems: Problem[]): YamlFile => unreadable(file, problems)

  if (Buffer.byteLength(text) > parseSize(bounds.fileBytes)) {
    return failed([
      problem(0, `expected at most ${bounds.fileBytes}, found ${formatSize(Buffer.byteLength(text))}`),
    ])
  }
  const tokens = [...new Parser(lines.addNewLine).parse(text.replace(/^\uFEFF/, ''))]
  // The composer below recurses: deep nesting has to be found before it, as it would end the whole process.
  const tooDeep = nestsTooDeep(tokens)
  if (tooDeep !== undefined)
    return failed([problem(tooDeep, 'expected at most 30 levels of nesting, found more')])

  const composer = new Composer({
    prettyErrors: false,
    uniqueKeys: false,
    lineCounter: lines,
    logLevel: 'silent',
  })
  const [document, second] = [...composer.compose(tokens, true, text.length)]
  if (document === undefined) return failed([])
  const broken = [...document.errors, ...document.warnings].map((error) =>
    problem(error.pos[0], explain(error)),
  )
  if (second !== undefined)
    broken.push(problem(second.range[0], 'expected one YAML document, found a second one'))
  if (broken.length > 0) return failed(broken)

  const { fatal, problems } = guardDocument(document)
  const found = problems.map(({ offset, message }) => problem(offset, message))
  if (fatal) return failed(found)
  keepAsWritten(document, asWritten)
  return composed({ file, document, problems: found, at })
}

const unreadable = (file: string, problems: readonly Problem[]): YamlFile => ({
  file,
  value: undefined,
  problems,
  positionOf: () => ({ line: 1, column: 1 }),
  keysOf: () => [],
})

// The library's words are good; only tabs and unknown tags need the way out beside them.
const explain = ({ code, message }: Pick<YAMLParseError, 'code' | 'message'>): string => {
  if (code === 'TAB_AS_INDENT') return 'expected spaces as indentation, found a tab'
  if (code === 'TAG_RESOLVE_FAILED') return `expected plain YAML without tags: ${message.toLowerCase()}`
  return `not valid YAML: ${message}`
}

const composed = ({
  file,
  document,
  problems,
  at,
}: {
  file: string
  document: Document.Parsed
  problems: Problem[]
  at: (offset: number) => Position
}): YamlFile => {
  try {
    return {
      file,
      value: document.toJS({ maxAliasCount: 100 }) ?? undefined,
      problems,
      positionOf: (path, part = 'value') => at(positionAt({ document, path, part })),
      keysOf: (path) => keysAt({ document, path }),
    }
  } catch (error) {
    // The library's guard against aliases of aliases (a "billion laughs") throws a ReferenceError, as do unknown ones.
    const message = error instanceof Error ? error.message : String(error)
    return unreadable(file, [...problems, { file, ...at(document.range[0]), message: explainAlias(message) }])
  }
}

const explainAlias = (message: string): string =>
  message.startsWith('Excessive')
    ? 'expected aliases that unfold to at most 100 values, found a YAML bomb'
    : `not valid YAML: ${message}`
