import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Bench, Mayfly, Run } from './mayfly.ts'

/** One line of `mayfly run --json`. */
export type RunEvent = Readonly<Record<string, unknown>> & { readonly type: string }

/** A `mayfly run` under way, whose events can be waited for. */
export type WatchedRun = {
  readonly mayfly: Mayfly
  /** The first event, past or to come, that fits. Rejects when the command ends without one. */
  until(fits: (event: RunEvent) => boolean): Promise<RunEvent>
  /** Waits until the steps have printed this text. */
  untilPrinted(text: string): Promise<void>
  /** The end of the command, with what its job left. */
  ended(): Promise<Run>
}

type WatchRun = {
  readonly pipeline: string
  readonly args?: readonly string[]
  readonly env?: Record<string, string>
}

/** Starts a pipeline and watches it. */
export async function watchRun(
  bench: Bench,
  { pipeline, args = [], env = {} }: WatchRun,
): Promise<WatchedRun> {
  await writeFile(join(bench.work, '.mayfly.yml'), pipeline)
  const mayfly = bench.mayfly(['run', '--json', ...args], { env })
  const events: RunEvent[] = []
  const listeners = new Set<(event: RunEvent | undefined) => void>()
  const lines = createInterface({ input: mayfly.stdout })
  lines.on('line', (line) => {
    const event = JSON.parse(line) as RunEvent
    events.push(event)
    for (const listener of listeners) listener(event)
  })
  const over = mayfly.then(({ all }) => {
    for (const listener of listeners) listener(undefined)
    return String(all)
  })

  const until: WatchedRun['until'] = async (fits) => {
    const past = events.find(fits)
    if (past !== undefined) return past
    const found = await new Promise<RunEvent | undefined>((resolve) => {
      const listener = (event: RunEvent | undefined) => {
        if (event !== undefined && !fits(event)) return
        listeners.delete(listener)
        resolve(event)
      }
      listeners.add(listener)
    })
    if (found === undefined)
      throw new Error(`the command ended before the event came:\n${(await over).slice(-2000)}`)
    return found
  }

  return {
    mayfly,
    until,
    async untilPrinted(text) {
      let printed = ''
      await until((event) => {
        if (event.type === 'log' && event.step !== undefined) printed += String(event.text)
        return printed.includes(text)
      })
    },
    ended: () => bench.result(mayfly),
  }
}

/** Whether an event says that a phase began. */
export function begins(phase: string): (event: RunEvent) => boolean {
  return (event) => event.type === 'phase-started' && event.phase === phase
}
