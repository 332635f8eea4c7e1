import { guestPaths, stepFolder } from '../../../runner/guest/guest-paths.ts'
import { failedStep } from '../../../runner/job/failed-step.ts'
import { cleanText } from '../../../runner/logs/clean-text.ts'
import { unscrubbable } from '../../../runner/scrub/scrub-needles.ts'
import type { NextStep } from '../repro/stop-before.ts'
import type { KeptMachine } from './keep-machines.ts'

/** What a person reads in front of the first prompt: what failed, how to be where it failed, and what is gone. */
export function keptGreeting({ job, record, secrets, next }: Omit<KeptMachine, 'machine'>): string {
  const { id, verdict, reason, hint } = record
  const failed = failedStep(record)
  const lines = [
    `the machine of job ${id}`,
    `${verdict}${reason === undefined ? '' : `: ${reason}`}`,
    ...(hint === undefined ? [] : [hint]),
    `\`. ${guestPaths.here}\` sets the environment and the folder of the steps`,
    ...(failed === undefined ? [] : [`step ${named(failed)} again: ${again(job, failed)}`]),
    ...(next === undefined ? [] : nextLines(next)),
    ...secretLines(secrets),
  ]
  // It quotes the pipeline file and what the guest said.
  return cleanText(lines.join('\n')).slice(0, 4000)
}

function named({ index, name }: { readonly index: number; readonly name: string }): string {
  return `${index + 1} "${name}"`
}

function nextLines({ index, step: { name, run, shell } }: NextStep): string[] {
  const text = run.trimEnd().split('\n').slice(0, 40)
  return [
    `step ${named({ index, name })} comes next and was not run: ${shell} ${stepFolder(index)}/script`,
    ...text.map((line) => `    ${line}`),
  ]
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
