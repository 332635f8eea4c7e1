import { ConfigError } from '../../config/errors.ts'
import { nearest } from '../../config/nearest.ts'
import type { Job, Pipeline } from '../../config/pipeline/pipeline.ts'

/**
 * The jobs of a file that are asked for by name, with all that they need, in the order of the file; without names all.
 * @throws ConfigError for a name that the file does not have
 */
export function chooseJobs({ file, jobs }: Pipeline, only: readonly string[] | undefined): readonly Job[] {
  if (only === undefined) return jobs
  const byName = new Map(jobs.map((job) => [job.name, job]))
  const chosen = new Set<string>()
  const open = [...only]
  for (const name of open) {
    const job = byName.get(name)
    if (job === undefined) throw unknownJob({ file, name, known: [...byName.keys()] })
    if (chosen.has(name)) continue
    chosen.add(name)
    open.push(...job.needs)
  }
  return jobs.filter(({ name }) => chosen.has(name))
}

type UnknownJob = { file: string; name: string; known: readonly string[] }

function unknownJob({ file, name, known }: UnknownJob): ConfigError {
  const near = nearest(name, known)
  const message = `expected a job of ${file} (${known.slice(0, 20).join(', ')}), got ${JSON.stringify(name.slice(0, 60))}`
  return new ConfigError(message, { hint: near === undefined ? undefined : `did you mean ${near}?` })
}
