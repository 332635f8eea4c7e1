import { ConfigError } from '../../config/errors.ts'
import { parsePipeline } from '../../config/pipeline/parse-pipeline.ts'

/** The problems of a pipeline file as `line:column: message`; fails where there are none. */
export const problemsIn = (text: string): string[] => {
  try {
    parsePipeline({ file: 'test.yml', text })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`)
  }
  throw new Error('expected problems, found a fine file')
}
