import { fairness } from './fairness.ts'
import type { FleetPlan, PlannedRepository, RepositoryKind } from './fleet-plan.ts'
import { judgeBooks } from './judge-books.ts'
import { timesInLine } from './times-in-line.ts'
import type { BookLine } from './with-books.ts'

type Weigh = {
  readonly plan: FleetPlan
  readonly jobs: ReadonlyMap<string, PlannedRepository>
  readonly books: readonly BookLine[]
  /** Keys of the queue that should be gone. */
  readonly left: readonly string[]
  /** Hosts. */
  readonly killed: number
}

/** How a fleet did. Times in ms. */
export type FleetOutcome = {
  readonly hosts: number
  readonly killed: number
  readonly jobs: number
  /** Each in a sentence. */
  readonly lost: readonly string[]
  readonly doubled: readonly string[]
  readonly left: readonly string[]
  readonly verdicts: Readonly<Record<string, number>>
  /** Of jobs that did not pass. */
  readonly reasons: readonly string[]
  /** Attempts that were made anew. */
  readonly retried: number
  readonly jobsPerSecond: number
  /** From being in line to being taken by a host. */
  readonly inLine: Quantiles
  readonly kinds: readonly (Quantiles & {
    readonly kind: RepositoryKind
    readonly repositories: number
    readonly jobs: number
  })[]
  readonly fairness: number
}

export type Quantiles = { readonly mean: number; readonly p50: number; readonly p99: number }

const kinds: readonly RepositoryKind[] = ['flood', 'usual', 'double', 'urgent']
/** Of fairness: ten seconds, and a part of a run that is short. */
const longestWindowMs = 10_000
const fewestWindows = 20

/** Reads from the books what became of the jobs, and how evenly and how soon. */
export function weighFleet({ plan, jobs, books, left, killed }: Weigh): FleetOutcome {
  const times = timesInLine(books)
  const waits = times.map(({ id, queued, claimed }) => ({ kind: jobs.get(id)?.kind, ms: claimed - queued }))
  const ends = new Map(books.filter(({ state }) => state !== 'ran').map((line) => [line.id, line]))
  const verdicts: Record<string, number> = {}
  for (const { state } of ends.values()) verdicts[state] = (verdicts[state] ?? 0) + 1
  const seconds = ((books.at(-1)?.at ?? 0) - (times[0]?.claimed ?? 0)) / 1000
  return {
    ...judgeBooks(jobs.keys(), books),
    hosts: plan.processes.reduce((all, { names }) => all + names.length, 0),
    killed,
    jobs: jobs.size,
    left,
    verdicts,
    reasons: [...ends.values()]
      .filter(({ state }) => state !== 'passed')
      .map(
        ({ id, state, attempt, reason = 'nothing said' }) => `${id}, attempt ${attempt}: ${state}, ${reason}`,
      ),
    jobsPerSecond: jobs.size / seconds,
    inLine: quantiles(waits.map(({ ms }) => ms)),
    kinds: kinds.map((kind) => ({
      kind,
      repositories: plan.repositories.filter((one) => one.kind === kind).length,
      jobs: [...jobs.values()].filter((one) => one.kind === kind).length,
      ...quantiles(waits.filter((wait) => wait.kind === kind).map(({ ms }) => ms)),
    })),
    fairness: fairness({
      times,
      // What has a priority comes first whatever the others' shares are.
      repositoryOf: (job) => {
        const repository = jobs.get(job)
        return repository?.kind === 'urgent' ? undefined : repository
      },
      windowMs: Math.min(longestWindowMs, (seconds * 1000) / fewestWindows),
    }),
  }
}

function quantiles(samples: readonly number[]): Quantiles {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
  return {
    mean: sorted.reduce((all, ms) => all + ms, 0) / sorted.length,
    p50: at(0.5),
    p99: at(0.99),
  }
}
