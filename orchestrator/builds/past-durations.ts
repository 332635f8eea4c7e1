import type { Store } from '../model/store.ts'

/** Builds that are looked through. */
const looked = 30

/** Median milliseconds that the jobs of a repository took when they passed lately, by name. */
export async function pastDurations(store: Store, repository: string): Promise<ReadonlyMap<string, number>> {
  const { items } = await store.builds.list({ repository }, { limit: looked, cursor: undefined })
  const jobs = (await Promise.all(items.map(({ id }) => store.jobs.ofBuild(id)))).flat()
  const durations = new Map<string, number[]>()
  for (const { name, state, started, ended } of jobs) {
    if (state !== 'passed' || started === undefined || ended === undefined) continue
    durations.set(name, [...(durations.get(name) ?? []), Date.parse(ended) - Date.parse(started)])
  }
  return new Map([...durations].map(([name, times]) => [name, median(times)]))
}

/** The middle one; of two the mean. Not empty. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const low = sorted[Math.ceil(middle) - 1] ?? 0
  const high = sorted[Math.floor(middle)] ?? 0
  return (low + high) / 2
}
