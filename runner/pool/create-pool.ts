import { randomBytes } from 'node:crypto'
import type { ShelfImage } from '../../images/image.ts'
import type { MachineOrder, StartMachine } from '../job/job-order.ts'
import type { Machine } from '../machine/machine.ts'
import { untilAborted } from '../until-aborted.ts'
import { findWant } from './find-want.ts'
import { handOver } from './hand-over.ts'
import { fitsIn, type Room, smaller, taking } from './pool-room.ts'
import {
  drainPool,
  emptyPool,
  entryFailed,
  entryGone,
  entryReady,
  type PoolEntry,
  planPool,
  shrinkTo,
  takeEntry,
  takenBy,
} from './pool-state.ts'
import type { PoolWant } from './pool-want.ts'
import { startWaiting, type WaitingMachine } from './start-waiting.ts'

export type PoolOptions = {
  readonly wants: readonly PoolWant[]
  /** How its machines come up. */
  readonly start: StartMachine
  readonly ensureImage: (name: string, signal: AbortSignal) => Promise<ShelfImage>
  /** What this host has for machines. */
  readonly capacity: Room
  /** What of that is not given to jobs, whether their machines run already or not. */
  readonly spare: () => Room
  /** Whether jobs come to this host; while none does, nothing waits for them. @defaultValue always */
  readonly isOpen?: () => boolean
  readonly log: PoolLog
  /** milliseconds @defaultValue performance.now */
  readonly now?: () => number
  /** Between two looks at what is to be done, ms. @defaultValue 1 s */
  readonly lookMs?: number
  /** A job found a machine, or there is a pool for its image and it found none. */
  readonly onTake?: (image: string, result: 'hit' | 'miss') => void
}

export type PoolLog = {
  readonly info: (fields: object, message: string) => void
  readonly warn: (fields: object, message: string) => void
}

export type Pool = {
  /**
   * A machine that is as a job wants it, which is the job's from then on; otherwise why there is none, or nothing
   * where there is no pool of the job's image.
   */
  take(order: MachineOrder): { readonly machine: Machine | undefined; readonly reason?: string | undefined }
  /**
   * Room for a machine that a job starts by itself; waits until machines that stood in its way are gone. Gives how to
   * give it back. Rejects with the signal's reason.
   */
  reserve(need: Room, signal: AbortSignal): Promise<() => void>
  /** Looks at once whether machines are to be started. */
  look(): void
  counts(): PoolCount[]
  /** Ends all that waits, for good. Never rejects. */
  drain(): Promise<void>
}

export type PoolCount = { readonly image: string; readonly ready: number; readonly starting: number }

/** One machine of the pool while no job has it. */
type Wait = {
  /** Aborted when nobody is to have the machine. */
  readonly stop: AbortController
  /** Aborted when a job has it. */
  readonly taken: AbortController
  waiting?: WaitingMachine
  /** Settles when the machine is a job's or no more. */
  over: Promise<void>
}

/**
 * Machines that are started before a job needs them, in room that no job has, each handed out once. A job that fits
 * only without them gets their room.
 */
export function createPool(options: PoolOptions): Pool {
  const { wants, start, ensureImage, capacity, spare, isOpen = () => true, log, onTake } = options
  const now = options.now ?? (() => performance.now())
  const waits = new Map<string, Wait>()
  let state = emptyPool(wants, now())
  /** Of the machines that jobs have. */
  let running: Room = { cpus: 0, memory: 0 }

  const look = () => {
    if (isOpen()) return plan()
    const shrunk = shrinkTo(state, { room: { cpus: 0, memory: 0 }, now: now() })
    state = shrunk.state
    end(shrunk.end)
  }

  const plan = () => {
    const newId = () => `pool-${randomBytes(5).toString('hex')}`
    const free = smaller(spare(), taking(capacity, running))
    const planned = planPool(state, { now: now(), spare: taking(free, takenBy(state)), newId })
    state = planned.state
    end(planned.end)
    for (const entry of planned.start) {
      const wait: Wait = {
        stop: new AbortController(),
        taken: new AbortController(),
        over: Promise.resolve(),
      }
      waits.set(entry.id, wait)
      wait.over = live(entry, wait).finally(() => waits.delete(entry.id))
    }
  }

  const end = (ids: readonly string[]) => {
    for (const id of ids) waits.get(id)?.stop.abort(new Error('the machine is needed no more'))
  }

  /** From the start of a machine until a job has it or it is no more; never rejects. */
  const live = async ({ id, want }: PoolEntry, wait: Wait) => {
    const wanted = wants[want]
    if (wanted === undefined) return
    const { signal } = wait.stop
    const fail = (fields: object, message: string) => {
      if (signal.aborted) return
      state = entryFailed(state, { id, now: now() })
      log.warn({ machine: id, image: wanted.image, ...fields }, message)
    }
    let machine: Machine | undefined
    try {
      const image = await ensureImage(wanted.image, signal)
      const onNote = (note: string) => log.info({ machine: id, note }, 'of a machine of the pool')
      wait.waiting = await startWaiting({ id, want: wanted, image, start, signal, onNote })
      machine = wait.waiting.machine
      state = entryReady(state, { id, digest: image.digest, now: now() })
      const ended = await untilAborted(machine.ended, AbortSignal.any([signal, wait.taken.signal]))
      if (wait.taken.signal.aborted) return
      fail({ end: ended }, 'a machine of the pool ended by itself')
    } catch (err) {
      if (wait.taken.signal.aborted) return
      fail({ err }, 'a machine of the pool did not start')
    }
    await machine
      ?.destroy('now')
      .catch((err: unknown) => log.warn({ machine: id, err }, 'it could not be ended'))
    state = entryGone(state, id)
    look()
  }

  const account = (need: Room): (() => void) => {
    running = taking(running, { cpus: -need.cpus, memory: -need.memory })
    let isBack = false
    return () => {
      if (isBack) return
      isBack = true
      running = taking(running, need)
    }
  }

  const timer = setInterval(look, options.lookMs ?? 1000)
  timer.unref()

  return {
    take(order) {
      const began = performance.now()
      const found = findWant(wants, order)
      if (found.kind === 'none') return { machine: undefined }
      const miss = (reason: string) => {
        onTake?.(order.image.name, 'miss')
        return { machine: undefined, reason }
      }
      if (found.kind === 'other') return miss(found.reason)
      const { want } = found
      const step = takeEntry(state, { want, digest: order.image.digest, now: now() })
      state = step.state
      end(step.end)
      const wait = step.taken === undefined ? undefined : waits.get(step.taken)
      if (wait?.waiting === undefined) {
        const isStale = step.end.length > 0
        return miss(
          isStale
            ? 'the machines of the pool were of another version of the image'
            : 'the pool had no machine ready',
        )
      }
      const { machine, tell } = wait.waiting
      wait.taken.abort(new Error('a job has the machine'))
      tell(order)
      onTake?.(order.image.name, 'hit')
      const gate = { name: 'take', ms: performance.now() - began }
      order.onGate(gate)
      const facts = { ...machine.facts, strategy: 'pool' as const, strategyReason: undefined, gates: [gate] }
      return { machine: handOver({ machine, facts, onGone: account(order.resources) }) }
    },
    async reserve(need, signal) {
      const release = account(need)
      const room = taking(capacity, running)
      const shrunk = shrinkTo(state, { room, now: now() })
      state = shrunk.state
      end(shrunk.end)
      try {
        if (!fitsIn(room, takenBy(state))) await untilAborted(endingOf(state.entries), signal)
        return release
      } catch (error) {
        release()
        throw error
      }
    },
    look,
    counts: () =>
      wants.map(({ image }, want) => {
        const count = (which: PoolEntry['state']) =>
          state.entries.filter((entry) => entry.want === want && entry.state === which).length
        return { image, ready: count('ready'), starting: count('starting') }
      }),
    async drain() {
      clearInterval(timer)
      const drained = drainPool(state, now())
      state = drained.state
      end(drained.end)
      await endingOf(state.entries)
    },
  }

  function endingOf(entries: readonly PoolEntry[]): Promise<unknown> {
    const ids = entries.filter((entry) => entry.state === 'ending').map(({ id }) => id)
    return Promise.all(ids.map((id) => waits.get(id)?.over))
  }
}
