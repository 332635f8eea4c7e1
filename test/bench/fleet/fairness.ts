import type { TimeInLine } from './times-in-line.ts'

type Fairness = {
  readonly times: readonly TimeInLine[]
  /** Undefined for jobs that do not count. */
  readonly repositoryOf: (job: string) => { readonly name: string; readonly weight: number } | undefined
  /** ms */
  readonly windowMs: number
}

/**
 * How evenly repositories got their jobs started while they had some in line: Jain's index of starts for each weight (R.
 * Jain et al., DEC-TR-301, 1984), 1 where each got its share and 1/n where one of n got all. Taken over windows, for those
 * repositories that had a job in line all through the window, where there are at least two; the mean of all windows.
 * NaN where there is no such window.
 */
export function fairness({ times, repositoryOf, windowMs }: Fairness): number {
  const byRepository = new Map<string, { weight: number; times: TimeInLine[] }>()
  for (const time of times) {
    const repository = repositoryOf(time.id)
    if (repository === undefined) continue
    const known = byRepository.get(repository.name)
    if (known === undefined) byRepository.set(repository.name, { weight: repository.weight, times: [time] })
    else known.times.push(time)
  }
  const start = minimum(times.map(({ claimed }) => claimed))
  const end = Math.max(...[...byRepository.values()].map(({ times }) => times.at(-1)?.claimed ?? 0))
  const indexes: number[] = []
  for (let from = start; from + windowMs <= end; from += windowMs) {
    const to = from + windowMs
    const shares = [...byRepository.values()]
      .filter((repository) => isInLine(repository.times, from, to))
      .map(({ weight, times }) => countIn(times, from, to) / weight)
    if (shares.length > 1) indexes.push(jain(shares))
  }
  return indexes.reduce((all, index) => all + index, 0) / indexes.length
}

/** 1 for equal shares; 1 too where there are none, for nobody got more than others. */
export function jain(shares: readonly number[]): number {
  const sum = shares.reduce((all, share) => all + share, 0)
  const squares = shares.reduce((all, share) => all + share ** 2, 0)
  return squares === 0 ? 1 : sum ** 2 / (shares.length * squares)
}

/** Whether there was a job in line at each moment between the two. */
function isInLine(times: readonly TimeInLine[], from: number, to: number): boolean {
  const over = times
    .filter(({ queued, claimed }) => claimed > from && queued < to)
    .sort((a, b) => a.queued - b.queued)
  let until = from
  for (const { queued, claimed } of over) {
    if (queued > until) return false
    until = Math.max(until, claimed)
  }
  return until >= to
}

function countIn(times: readonly TimeInLine[], from: number, to: number): number {
  return times.filter(({ claimed }) => claimed >= from && claimed < to).length
}

function minimum(numbers: readonly number[]): number {
  return numbers.reduce((least, number) => Math.min(least, number), Number.POSITIVE_INFINITY)
}
