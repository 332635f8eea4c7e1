import { readTextFile } from '../yaml/read-text-file.ts'
import { parsePipeline } from './parse-pipeline.ts'
import type { Pipeline } from './pipeline.ts'

/**
 * Loads a pipeline file; with `text` it is not read from disk, and `file` is only its name in messages.
 * @throws ConfigError where the file can't be read or anything in it is wrong.
 */
export const loadPipeline = async ({ file, text }: { file: string; text?: string }): Promise<Pipeline> =>
  parsePipeline({ file, text: text ?? (await readTextFile({ file, what: 'the pipeline file' })) })
