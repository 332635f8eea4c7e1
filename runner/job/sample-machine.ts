import type { Machine, MachineUse } from '../machine/machine.ts'
import { addUse, type ResourceUse, useSince } from './resource-use.ts'
import { sampleInterval } from './sample-interval.ts'

/** What a job takes of the host, from its first machine to its last. */
export type Sampler = {
  /** A machine that was started for this job: all that it takes counts. It takes the place of the one before. */
  follow(machine: Metered): void
  /** The machine that the job got. Where it was started before there was a job, what it took until now does not count; where another process ran the job, what it took meanwhile does. */
  adopt(machine: Metered): void
  /** What is taken from now on is that step's; undefined for none. */
  during(step: number | undefined): void
  /** Processors that were kept busy on average in the last 10 s or so, since the last step began; undefined where nothing is known. */
  busy(): number | undefined
  /** Takes a last sample. Idempotent. */
  stop(): Promise<void>
}

type Metered = Pick<Machine, 'use'>

type SampleMachine = {
  /** What was counted in another process, whose machine is adopted. @defaultValue nothing */
  readonly before?: (Pick<Counted, 'use'> & Partial<Counted>) | undefined
  /** Given sums since the job began, and the most memory since the sample before; and where the next could go on. */
  readonly onSample: (use: ResourceUse, step: number | undefined, counted: Counted) => void
}

/** What a job took until a moment, and what its machine's counters said at that moment. */
export type Counted = { readonly use: ResourceUse; readonly machine: MachineUse }

const latelyMs = 10_000
const leastMs = 500

/**
 * Samples a job's machine until it is stopped, on its own: nobody waits for it, nothing that goes wrong in it reaches
 * the job, and one that cannot be read leaves a gap.
 */
export function sampleMachine({ before, onSample }: SampleMachine): Sampler {
  const started = performance.now()
  let followed: Metered | undefined
  let step: number | undefined
  let stopping: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  /** Of the machines before this one; and of this one, at its beginning and the last time. */
  let past = before?.use
  let first: MachineUse | undefined
  let last: MachineUse | undefined
  const lately: { at: number; cpuMs: number }[] = []
  // One reading after the other, or a late one would count twice.
  let turn: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void> | void) => {
    turn = turn.then(work).catch(() => undefined)
  }

  const take = () => {
    const machine = followed
    const whose = step
    if (machine === undefined) return
    inTurn(async () => {
      const now = await machine.use()
      if (now === undefined) return
      const sums = addUse(past, sinceBeginning(first, now))
      const memory = peakBetween(last, now)
      last = now
      lately.push({ at: performance.now(), cpuMs: sums.cpuMs })
      while (lately.length > 2 && performance.now() - (lately[1]?.at ?? 0) > latelyMs) lately.shift()
      onSample({ ...sums, memory }, whose, { use: sums, machine: now })
    })
  }

  const again = () => {
    timer = setTimeout(
      () => {
        take()
        again()
      },
      sampleInterval(performance.now() - started),
    )
    timer.unref()
  }

  const begin = (machine: Metered) => {
    if (stopping !== undefined) return
    followed = machine
    take()
    if (timer === undefined) again()
  }

  return {
    follow(machine) {
      inTurn(() => {
        if (last !== undefined) past = addUse(past, sinceBeginning(first, last))
        first = undefined
        last = undefined
      })
      begin(machine)
    },
    adopt(machine) {
      if (followed !== undefined) return
      inTurn(async () => {
        first = before?.machine ?? (await machine.use())
        last = first
      })
      begin(machine)
    },
    during(next) {
      take()
      // What was done before a step says nothing of it.
      if (next !== undefined) inTurn(() => void lately.splice(0, lately.length - 1))
      step = next
    },
    busy() {
      const [from, to] = [lately.at(0), lately.at(-1)]
      if (from === undefined || to === undefined || to.at - from.at < leastMs) return undefined
      return (to.cpuMs - from.cpuMs) / (to.at - from.at)
    },
    stop() {
      clearTimeout(timer)
      stopping ??= new Promise<void>((resolve) => {
        take()
        inTurn(resolve)
      })
      followed = undefined
      return stopping
    },
  }
}

function sinceBeginning(first: MachineUse | undefined, now: MachineUse): ResourceUse {
  const { memoryPeak: _, ...use } = now
  return useSince(first, use)
}

/** The kernel keeps the peak of a process for good: it tells of the time between two readings where it rose. */
function peakBetween(before: MachineUse | undefined, now: MachineUse): number {
  if (before === undefined || now.memoryPeak > before.memoryPeak) return now.memoryPeak
  return Math.max(before.memory, now.memory)
}
