import { type Chance, createChance } from '../../faults/chance.ts'
import type { FleetOptions } from './read-fleet-options.ts'

/**
 * `flood`: one repository that wants half of all jobs at once. `double`: of twice the weight. `urgent`: its jobs have a
 * priority. `usual`: all others.
 */
export type RepositoryKind = 'flood' | 'double' | 'urgent' | 'usual'

export type PlannedRepository = {
  readonly name: string
  readonly kind: RepositoryKind
  /** Its share of the hosts, in proportion to those of the others. */
  readonly weight: number
  /** Of its jobs, as in the pipeline file. */
  readonly priority: number
}

export type PlannedBuild = {
  readonly repository: PlannedRepository
  readonly jobs: number
  /** It is pushed when so many jobs of the whole fleet have ended; 0 is before any host is up. */
  readonly after: number
}

/** A process of hosts. What happens to it does so when so many jobs of the whole fleet have ended. */
export type PlannedProcess = {
  readonly names: readonly string[]
  readonly dies: number | undefined
  /** A process of the same names takes its place. */
  readonly returns: number | undefined
  readonly freezes: number | undefined
}

export type FleetPlan = {
  readonly repositories: readonly PlannedRepository[]
  /** The first one first. */
  readonly builds: readonly PlannedBuild[]
  readonly processes: readonly PlannedProcess[]
}

type Planned = Pick<FleetOptions, 'hosts' | 'jobs' | 'killPercent' | 'freezePercent' | 'seed'>

/** Beside the one that floods. */
const others: readonly RepositoryKind[] = [
  ...Array<RepositoryKind>(34).fill('usual'),
  ...Array<RepositoryKind>(10).fill('double'),
  ...Array<RepositoryKind>(5).fill('urgent'),
]
const mostJobsOfBuild = 16
const mostHostsOfProcess = 10
/** Few hosts are several processes, too, so that there is one to be killed and others to go on. */
const fewestProcesses = 4

/** All that a run does, from its seed. */
export function planFleet(options: Planned): FleetPlan {
  const chance = createChance(options.seed)
  const repositories = (['flood', ...others] as const).map((kind, index) => ({
    name: `fleet/${kind}-${index}`,
    kind,
    weight: kind === 'double' ? 2 : 1,
    priority: kind === 'urgent' ? 10 : 0,
  }))
  const wants = demand(options.jobs, repositories.length, chance)
  const builds = repositories.flatMap((repository, index) =>
    buildsOf({ repository, jobs: wants[index] ?? 0, all: options.jobs, chance }),
  )
  return {
    repositories,
    builds: builds.sort((a, b) => a.after - b.after),
    processes: processesOf(options, chance),
  }
}

/** Jobs of each repository: half are the first one's, the rest is shared out unevenly. */
function demand(jobs: number, repositories: number, chance: Chance): number[] {
  const parts = Array.from({ length: repositories - 1 }, () => 0.2 + chance.number(1))
  const sum = parts.reduce((all, part) => all + part, 0)
  const flood = Math.floor(jobs / 2)
  const wants = parts.map((part) => Math.floor(((jobs - flood) * part) / sum))
  const shared = wants.reduce((all, want) => all + want, 0)
  return [jobs - shared, ...wants]
}

type Wanted = {
  readonly repository: PlannedRepository
  readonly jobs: number
  readonly all: number
  readonly chance: Chance
}

/** The flood comes first and at once; of the others half is there with it and half comes on the way. */
function buildsOf({ repository, jobs, all, chance }: Wanted): PlannedBuild[] {
  const builds: PlannedBuild[] = []
  for (let left = jobs; left > 0; ) {
    const count = Math.min(left, 1 + Math.floor(chance.number(mostJobsOfBuild)))
    const isEarly = repository.kind === 'flood' || left > jobs / 2
    builds.push({ repository, jobs: count, after: isEarly ? 0 : Math.floor(chance.number(all * 0.7)) })
    left -= count
  }
  return builds
}

function processesOf(options: Planned, chance: Chance): PlannedProcess[] {
  const { hosts, jobs, killPercent, freezePercent } = options
  const size = Math.max(1, Math.min(mostHostsOfProcess, Math.floor(hosts / fewestProcesses)))
  const count = Math.ceil(hosts / size)
  const order = shuffled(
    Array.from({ length: count }, (_, index) => index),
    chance,
  )
  const killed = order.slice(0, shareOf(count, killPercent))
  const frozen = order.slice(killed.length, killed.length + shareOf(count, freezePercent))
  return Array.from({ length: count }, (_, index) => {
    const place = killed.indexOf(index)
    const dies = place === -1 ? undefined : Math.floor(jobs * (0.1 + chance.number(0.5)))
    return {
      names: Array.from({ length: Math.min(size, hosts - index * size) }, (_, host) => nameOf(index, host)),
      dies,
      returns: dies !== undefined && place % 2 === 1 ? dies + Math.floor(jobs * 0.15) : undefined,
      freezes: frozen.includes(index) ? Math.floor(jobs * (0.1 + chance.number(0.4))) : undefined,
    }
  })
}

function shareOf(count: number, percent: number): number {
  return percent === 0 ? 0 : Math.max(1, Math.round((count * percent) / 100))
}

function nameOf(process: number, host: number): string {
  return `host-${String(process).padStart(3, '0')}-${host}`
}

function shuffled<T>(items: readonly T[], chance: Chance): T[] {
  return items
    .map((item) => ({ item, at: chance.number(1) }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
