import { jobDefaults } from '../defaults.ts'
import type { Problem } from '../errors.ts'
import { checkYaml } from '../yaml/check-yaml.ts'
import { problemsError } from '../yaml/problems-error.ts'
import { readYaml } from '../yaml/read-yaml.ts'
import type { YamlFile } from '../yaml/yaml-file.ts'
import { checkNeeds } from './check-needs.ts'
import { checkNetworks } from './check-networks.ts'
import type { Job, Pipeline } from './pipeline.ts'
import { resolveJob } from './resolve-job.ts'
import { oneJob, severalJobs } from './schema.ts'

/**
 * A pipeline from the text of its file; `file` only names it in messages.
 * @throws ConfigError with every problem of the file, each with its line and column.
 */
export const parsePipeline = ({ file, text }: { file: string; text: string }): Pipeline => {
  const yaml = readYaml({ file, text, asWritten: ['env', 'matrix', 'branch', 'tag'] })
  if (yaml.value === undefined) {
    const nothing = { file, line: 1, column: 1, message: 'expected "steps" or "jobs", found an empty file' }
    throw pipelineError(file, yaml.problems.length === 0 ? [nothing] : yaml.problems)
  }
  const checked = hasJobs(yaml.value) ? jobsOf(yaml) : jobOf(yaml)
  const problems = [...yaml.problems, ...checked.problems, ...checkNeeds(yaml), ...checkNetworks(yaml)]
  if (problems.length > 0) throw pipelineError(file, problems)
  return { file, jobs: checked.jobs }
}

type Jobs = { readonly jobs: readonly Job[]; readonly problems: readonly Problem[] }

const hasJobs = (value: unknown): boolean => typeof value === 'object' && value !== null && 'jobs' in value

const jobOf = (yaml: YamlFile): Jobs => {
  const { data, problems } = checkYaml(yaml, oneJob)
  if (data === undefined) return { jobs: [], problems }
  return { jobs: [resolveJob({ name: jobDefaults.name, body: data, shared: {} })], problems }
}

const jobsOf = (yaml: YamlFile): Jobs => {
  const { data, problems } = checkYaml(yaml, severalJobs)
  if (data === undefined) return { jobs: [], problems }
  const { jobs, ...shared } = data
  const resolved = yaml.keysOf(['jobs']).flatMap((name) => {
    const body = jobs[name]
    return body === undefined ? [] : [resolveJob({ name, body, shared })]
  })
  return { jobs: resolved, problems }
}

const pipelineError = (file: string, problems: readonly Problem[]) =>
  problemsError({ file, problems, hint: 'docs/pipeline-file.md explains every key.' })
