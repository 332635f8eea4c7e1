/**
 * Circles among needs, each once, from its first job on; what is not a key is ignored. Never recurses, as a hostile
 * file may chain very many jobs.
 */
export const findCircles = (needs: ReadonlyMap<string, readonly string[]>): string[][] => {
  const circles: string[][] = []
  const waiting = new Map(needs)
  dropFinishable(waiting)
  // Every job left waits for another one that is left, so a walk along them must come round.
  for (let [start] = waiting.keys(); start !== undefined; [start] = waiting.keys()) {
    const circle = walk(waiting, start)
    circles.push(circle)
    for (const job of circle) waiting.delete(job)
    dropFinishable(waiting)
  }
  return circles
}

/** Takes away every job whose needs are not among the jobs left, again and again. */
const dropFinishable = (waiting: Map<string, readonly string[]>): void => {
  const neededBy = new Map<string, string[]>()
  const open = new Map<string, number>()
  for (const [job, needs] of waiting) {
    const inner = new Set(needs.filter((need) => waiting.has(need)))
    open.set(job, inner.size)
    for (const need of inner) {
      const dependants = neededBy.get(need) ?? []
      dependants.push(job)
      neededBy.set(need, dependants)
    }
  }
  const free = [...open].filter(([, count]) => count === 0).map(([job]) => job)
  for (let job = free.pop(); job !== undefined; job = free.pop()) {
    waiting.delete(job)
    for (const dependant of neededBy.get(job) ?? []) {
      const left = (open.get(dependant) ?? 0) - 1
      open.set(dependant, left)
      if (left === 0) free.push(dependant)
    }
  }
}

const walk = (waiting: ReadonlyMap<string, readonly string[]>, start: string): string[] => {
  const path: string[] = []
  let job = start
  while (!path.includes(job)) {
    path.push(job)
    job = waiting.get(job)?.find((need) => waiting.has(need)) ?? job
  }
  return path.slice(path.indexOf(job))
}
