import { guestPaths, stepFolder } from '../../../runner/guest/guest-paths.ts'
import { cleanText } from '../../../runner/logs/clean-text.ts'
import { unscrubbable } from '../../../runner/scrub/scrub-needles.ts'
import type { KeptMachine } from './keep-machines.ts'

/** What a person reads in front of the first prompt: what failed, how to be where it failed, and what is gone. */
export function keptGreeting({ job, record, secrets }: Omit<KeptMachine, 'machine'>): string {
  const { id, verdict, reason, hint } = record
  const failed = record.steps.find(({ status }) => status !== 'passed' && status !== 'skipped')
  const lines = [
    `the machine of job ${id}`,
    `${verdict}${reason === undefined ? '' : `: ${reason}`}`,
    ...(hint === undefined ? [] : [hint]),
    `\`. ${guestPaths.here}\` sets the environment and the folder of the steps`,
    ...(failed === undefined
      ? []
      : [`step ${failed.index + 1} "${failed.name}" again: ${again(job, failed)}`]),
    ...secretLines(secrets),
  ]
  // It quotes the pipeline file and what the guest said.
  return cleanText(lines.join('\n')).slice(0, 4000)
}

function again(job: KeptMachine['job'], { index }: { readonly index: number }): string {
  const { shell } = job.steps[index - job.setup.length] ?? job
  return `${shell} ${stepFolder(index)}/script`
}

function secretLines(secrets: KeptMachine['secrets']): string[] {
  if (Object.keys(secrets).length === 0) return []
  const left = unscrubbable(secrets)
  return [
    'the secrets were removed from its memory and its disk',
    ...(left.length === 0
      ? []
      : [`too short to be found for certain, so perhaps still there: ${left.join(', ')}`]),
  ]
}
