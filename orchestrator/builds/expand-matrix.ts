import { ConfigError } from '../../config/errors.ts'
import type { Job, Matrix } from '../../config/pipeline/pipeline.ts'
import { fillVariant } from './fill-variant.ts'
import { variantName } from './variant-name.ts'

type Combination = Readonly<Record<string, string>>

type ExpandMatrix = {
  job: Job
  /** Most variants; counted before `exclude`, so that leaving out is no way to make the host count long. */
  limit: number
  /** Names that other jobs of the build have; the names of the variants are added. */
  taken: Set<string>
}

/**
 * One job for each combination of a matrix: those of the axes without the excluded ones, then the included ones. The
 * last axis changes fastest; a combination that comes twice is made once. A job without a matrix is given as it is.
 * @throws ConfigError for too many combinations, for none, and for `${matrix.axis}` of an axis that there isn't
 */
export function expandMatrix({ job, limit, taken }: ExpandMatrix): Job[] {
  const { matrix } = job
  if (matrix === undefined) return [job]
  const size = sizeOf(matrix)
  if (size > limit) {
    throw new ConfigError(`job ${job.name}: expected a matrix of at most ${limit} jobs, got ${size}`, {
      hint: 'take values or axes away, or have the limit of the repository raised: repositories.limits.matrix',
    })
  }
  const combinations = combinationsOf(matrix)
  if (combinations.length === 0) {
    throw new ConfigError(`job ${job.name}: expected a matrix that leaves a combination, got none`, {
      hint: 'exclude less',
    })
  }
  const axes = new Set(combinations.flatMap((combination) => Object.keys(combination)))
  return combinations.map((combination) => {
    const name = variantName({ job: job.name, values: Object.values(combination), taken })
    return { ...fillVariant({ job, combination, axes }), name, matrix: undefined }
  })
}

/** Combinations before `exclude`. Stops counting where the product is beyond what numbers hold. */
function sizeOf({ axes, include }: Matrix): number {
  const lengths = Object.values(axes).map((values) => values.length)
  const product = lengths.length === 0 ? 0 : lengths.reduce((all, length) => all * length, 1)
  return product + include.length
}

function combinationsOf({ axes, include, exclude }: Matrix): Combination[] {
  const excluded = (combination: Combination) => exclude.some((part) => isPartOf(part, combination))
  const ofAxes = product(Object.entries(axes)).filter((combination) => !excluded(combination))
  return withoutRepeats([...ofAxes, ...include])
}

function product(axes: readonly (readonly [string, readonly string[]])[]): Combination[] {
  if (axes.length === 0) return []
  return axes.reduce<Combination[]>(
    (combinations, [axis, values]) =>
      combinations.flatMap((combination) => values.map((value) => ({ ...combination, [axis]: value }))),
    [{}],
  )
}

// An empty mapping names nothing to leave out.
function isPartOf(part: Combination, combination: Combination): boolean {
  const entries = Object.entries(part)
  return entries.length > 0 && entries.every(([axis, value]) => combination[axis] === value)
}

function withoutRepeats(combinations: readonly Combination[]): Combination[] {
  const keyOf = (combination: Combination) => JSON.stringify(Object.entries(combination).sort())
  return [...new Map(combinations.toReversed().map((one) => [keyOf(one), one])).values()].toReversed()
}
