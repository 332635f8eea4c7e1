import { ConfigError } from '../../config/errors.ts'
import type { Job } from '../../config/pipeline/pipeline.ts'
import { fillIn, placeholdersIn } from './fill-in.ts'

const longestStepName = 200

type FillVariant = {
  job: Job
  /** Axis to value. */
  combination: Readonly<Record<string, string>>
  /** Every axis of the matrix; one that this combination lacks is empty in it. */
  axes: ReadonlySet<string>
}

/**
 * A variant with its values: as environment variables `MATRIX_<AXIS>` in upper case, and in the place of
 * `${matrix.axis}` in the image, the labels, the values of `env`, the name and text of setup and steps, and the concurrency group.
 * @throws ConfigError for `${matrix.axis}` of an axis that there isn't
 */
export function fillVariant({ job, combination, axes }: FillVariant): Job {
  const values = new Map([...axes].map((axis) => [`matrix.${axis}`, combination[axis] ?? '']))
  const fill = (text: string) => {
    refuseStrangers({ job: job.name, text, values })
    return fillIn(text, values)
  }
  const fillAll = (env: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)]))
  return {
    ...job,
    image: job.image === undefined ? undefined : fill(job.image),
    ...(job.runsOn === undefined ? {} : { runsOn: job.runsOn.map(fill).filter((label) => label !== '') }),
    env: { ...fillAll(job.env), ...matrixEnv(combination) },
    setup: job.setup.map(fill),
    steps: job.steps.map((step) => ({
      ...step,
      name: oneLine(fill(step.name)),
      run: fill(step.run),
      env: fillAll(step.env),
    })),
    concurrency: job.concurrency && { ...job.concurrency, group: fill(job.concurrency.group) },
  }
}

function matrixEnv(combination: FillVariant['combination']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(combination).map(([axis, value]) => [`MATRIX_${axis.toUpperCase()}`, value]),
  )
}

type Strangers = { job: string; text: string; values: ReadonlyMap<string, string> }

function refuseStrangers({ job, text, values }: Strangers): void {
  const stranger = placeholdersIn(text).find((name) => name.startsWith('matrix.') && !values.has(name))
  if (stranger === undefined) return
  const known = [...values.keys()].map((name) => `\${${name}}`).join(', ')
  throw new ConfigError(`job ${job}: expected one of ${known}, found \${${stranger}}`, {
    hint: 'name an axis of the matrix of this job',
  })
}

// A value may hold lines, a step's name may not.
function oneLine(name: string): string {
  const printable = name.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return [...printable].slice(0, longestStepName).join('')
}
