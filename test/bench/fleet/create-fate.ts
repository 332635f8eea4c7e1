import type { FleetPlan } from './fleet-plan.ts'
import type { FleetTimes } from './fleet-times.ts'
import type { Books } from './follow-books.ts'
import type { HostProcess } from './host-process.ts'

type Fate = {
  readonly plan: FleetPlan
  /** By their place in the plan; changed here. */
  readonly processes: Map<number, HostProcess>
  readonly load: (index: number, names: readonly string[]) => Promise<void>
  readonly books: Books
  readonly times: FleetTimes
  readonly say: (line: string) => void
}

type Frozen = {
  readonly index: number
  readonly names: ReadonlySet<string>
  readonly since: number
  /** How far the books had come. */
  readonly line: number
}

/** Does to the processes what the plan has for them, each once, when so many jobs have ended. */
export function createFate({ plan, processes, load, books, times, say }: Fate) {
  const frozen = new Set<Frozen>()
  let killed = 0
  const die = async (index: number, names: readonly string[]) => {
    await processes.get(index)?.kill()
    processes.delete(index)
    killed += names.length
    say(`${names.length} hosts were killed`)
  }
  const comeBack = async (index: number, names: readonly string[]) => {
    await load(index, names)
    processes.get(index)?.go()
    say(`${names.length} hosts are back`)
  }
  const freeze = async (index: number, names: readonly string[]) => {
    processes.get(index)?.freeze()
    frozen.add({ index, names: new Set(names), since: Date.now(), line: books.lines().length })
    say(`${names.length} hosts stand still`)
  }
  const thawDue = () => {
    for (const one of frozen) {
      if (!isTakenOver(one, books) && Date.now() - one.since < times.frozen) continue
      frozen.delete(one)
      processes.get(one.index)?.thaw()
      say(`${one.names.size} hosts go on`)
    }
  }
  const coming = plan.processes
    .flatMap(({ names, dies, returns, freezes }, index) => [
      { at: dies, befall: () => die(index, names) },
      { at: returns, befall: () => comeBack(index, names) },
      { at: freezes, befall: () => freeze(index, names) },
    ])
    .flatMap(({ at, befall }) => (at === undefined ? [] : [{ at, befall }]))
    .sort((a, b) => a.at - b.at)
  return {
    befall: async (ended: number) => {
      while (coming[0] !== undefined && coming[0].at <= ended) await coming.shift()?.befall()
      thawDue()
    },
    isOpen: () => frozen.size > 0 || coming.length > 0,
    killedHosts: () => killed,
  }
}

/** Whether another host runs a job that those which stand still had: then they would do the most harm. */
function isTakenOver({ names, line }: Frozen, books: Books): boolean {
  const theirs = new Set(
    books
      .lines()
      .flatMap(({ id, host, state }) =>
        state === 'claimed' && host !== undefined && names.has(host) ? [id] : [],
      ),
  )
  return books
    .lines()
    .slice(line)
    .some(({ id, state, attempt }) => state === 'running' && attempt > 1 && theirs.has(id))
}
