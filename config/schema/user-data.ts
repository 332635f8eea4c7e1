import { readYaml } from '../yaml/read-yaml.ts'
import { script } from './script.ts'

/**
 * User-data for the guest's first boot, checked before there is a machine: cloud-init ignores what it can't read, and
 * a job would only see that its settings have no effect.
 */
export const userData = () => {
  const what = 'user-data that starts with #cloud-config or #!'
  return script()
    .refine((value) => /^(#cloud-config\s*(\n|$)|#!)/.test(value), { error: `expected ${what}` })
    .superRefine((value, context) => {
      if (!value.startsWith('#cloud-config')) return
      const problem = cloudConfigProblem(value)
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
    })
}

const cloudConfigProblem = (value: string): string | undefined => {
  const yaml = readYaml({ file: 'user_data', text: value })
  const [problem] = yaml.problems
  if (problem !== undefined) return `line ${problem.line} of the cloud-config: ${problem.message}`
  const isMapping = typeof yaml.value === 'object' && !Array.isArray(yaml.value)
  if (yaml.value === undefined || isMapping) return undefined
  return 'expected a mapping below #cloud-config, found something else'
}
