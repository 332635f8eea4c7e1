import { bounds } from '../defaults.ts'
import type { Problem } from '../errors.ts'
import type { ValuePath, YamlFile } from '../yaml/yaml-file.ts'

/**
 * Steps that ask for a network of their own in a job with `network: internet`: there is no proxy to switch, and the card
 * carries the job's own connection too. Works on the plain data, as `checkNeeds` does.
 */
export const checkNetworks = (yaml: YamlFile): Problem[] => {
  const file = isRecord(yaml.value) ? yaml.value : {}
  const jobs: [ValuePath, unknown][] = isRecord(file.jobs)
    ? Object.entries(file.jobs).map(([name, job]) => [['jobs', name], job])
    : [[[], file]]
  const paths = jobs.flatMap(([path, job]) => switchedSteps(path, job, file.network))
  return paths.slice(0, bounds.problems).map((path) => ({
    file: yaml.file,
    ...yaml.positionOf(path),
    message: `${inWords(path)}: expected no network of its own in a job with \`network: internet\`, which has it all the time`,
  }))
}

const switchedSteps = (path: ValuePath, job: unknown, shared: unknown): ValuePath[] => {
  if (!isRecord(job) || (job.network ?? shared) !== 'internet' || !Array.isArray(job.steps)) return []
  return job.steps.flatMap((step, index) =>
    isRecord(step) && step.network !== undefined ? [[...path, 'steps', index, 'network']] : [],
  )
}

const inWords = (path: ValuePath): string =>
  path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`))
    .join('')

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
