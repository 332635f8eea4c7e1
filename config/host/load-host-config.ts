import { existsSync } from 'node:fs'
import { hostDefaults } from '../defaults.ts'
import { checkYaml } from '../yaml/check-yaml.ts'
import { problemsError } from '../yaml/problems-error.ts'
import { readTextFile } from '../yaml/read-text-file.ts'
import { readYaml } from '../yaml/read-yaml.ts'
import { absentFiles } from './absent-files.ts'
import type { HostConfig } from './host-config.ts'
import { resolveHost } from './resolve-host.ts'
import { hostSchema } from './schema.ts'

type Source = {
  /** What `--config` names. */
  readonly file?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the host file is when nobody names one. */
  readonly standardFile?: string
}

/**
 * The host's configuration: from `--config`, else from `MAYFLY_CONFIG`, else from `/etc/mayfly/mayfly.yml`, else the
 * defaults.
 * @throws ConfigError where a named file is absent, and with every problem of a file, absent images included.
 */
export const loadHostConfig = async (source: Source): Promise<HostConfig> => {
  const file = findFile(source)
  if (file === undefined) return resolveHost(hostSchema.parse({}), undefined)
  const yaml = readYaml({ file, text: await readTextFile({ file, what: 'the host file' }) })
  // An empty host file is a fine one: everything in it is optional.
  const isEmpty = yaml.value === undefined && yaml.problems.length === 0
  if (yaml.value === undefined && !isEmpty) throw problemsError({ file, problems: yaml.problems, hint })
  const checked = checkYaml(isEmpty ? { ...yaml, value: {} } : yaml, hostSchema)
  const host = checked.data && resolveHost(checked.data, file)
  const absent = host === undefined ? [] : await absentFiles(yaml, host)
  const problems = [...yaml.problems, ...checked.problems, ...absent]
  if (host === undefined || problems.length > 0) throw problemsError({ file, problems, hint })
  return host
}

const hint = 'docs/host-file.md explains every key.'

const findFile = ({ file, env, standardFile = hostDefaults.file }: Source): string | undefined => {
  // A variable that is set but empty is a habit of service files, and means that it is not set.
  const named = file ?? (env.MAYFLY_CONFIG || undefined)
  if (named !== undefined) return named
  return existsSync(standardFile) ? standardFile : undefined
}
