import { parsePipeline } from '../../../config/pipeline/parse-pipeline.ts'
import type { Job } from '../../../config/pipeline/pipeline.ts'

/** The jobs of a pipeline file's text. */
export function aJobOf(text: string): [Job, ...Job[]] {
  const [job, ...more] = parsePipeline({ file: '.mayfly.yml', text }).jobs
  if (job === undefined) throw new Error('expected a file with a job')
  return [job, ...more]
}
