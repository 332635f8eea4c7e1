import { ConfigError } from '../../../config/errors.ts'
import type { Job } from '../../../config/pipeline/pipeline.ts'

type ReadSecrets = {
  jobs: readonly Job[]
  /** `NAME=value`, or `NAME` for the environment's value. */
  given: readonly string[]
  env: Readonly<Record<string, string | undefined>>
}

/**
 * The values of the secrets that the jobs name. Throws ConfigError for one that has no value, and for one that was
 * given and that no job names: nothing is handed out unasked.
 */
export function readSecrets({ jobs, given, env }: ReadSecrets): Record<string, string> {
  const wanted = new Set(jobs.flatMap((job) => job.secrets))
  const values = new Map(given.map((text) => readOne(text, env)))
  for (const name of values.keys()) {
    if (!wanted.has(name)) {
      throw new ConfigError(`expected a secret that a job names, got "${name}"`, {
        hint: `list it under \`secrets:\` of the job${wanted.size > 0 ? `; named are: ${[...wanted].join(', ')}` : ''}`,
      })
    }
  }
  const missing = [...wanted].filter((name) => !values.has(name))
  if (missing.length > 0) {
    throw new ConfigError(
      `expected a value for ${missing.map((name) => `secret ${name}`).join(', ')}, got none`,
      {
        hint: `export it and add --secret ${missing[0]}`,
      },
    )
  }
  return Object.fromEntries(values)
}

function readOne(text: string, env: ReadSecrets['env']): [string, string] {
  const equals = text.indexOf('=')
  if (equals >= 0) return [text.slice(0, equals), text.slice(equals + 1)]
  const value = env[text]
  if (value === undefined || value === '') {
    throw new ConfigError(`expected a value of secret ${text} in the environment, found none`, {
      hint: `export ${text}, or give --secret ${text}=VALUE`,
    })
  }
  return [text, value]
}
