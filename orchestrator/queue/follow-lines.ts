import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { JobQueue } from './job-queue.ts'
import { lineOf, lineOfHost, maySee } from './queue-names.ts'

type FollowLines = {
  readonly queue: Pick<JobQueue, 'lines'>
  readonly host: { readonly name: string; readonly labels: () => readonly string[] }
  /** Between two looks. */
  readonly everyMs: number
  /** Resolves when no job of a line runs here. */
  readonly untilIdle: (line: string) => Promise<void>
  /** Takes from a line until its signal is aborted, and gives how to let go of it; rejects never. */
  readonly take: (line: string, signal: AbortSignal) => Promise<Close>
  readonly log: Logger
  readonly signal: AbortSignal
}

type Close = () => Promise<void>

/**
 * Takes from each line whose labels this host has, for as long as there is such a line. Resolves when nothing is taken any
 * more, and gives how to let go of the lines once the jobs that were taken are over.
 */
export async function followLines({
  queue,
  host,
  everyMs,
  untilIdle,
  take,
  log,
  signal,
}: FollowLines): Promise<Close> {
  const taking = new Map<string, { ending: AbortController; ended: Promise<Close> }>()
  const always = [lineOf(), lineOfHost(host.name)]
  // Lines that are no more, until no job of theirs runs: one may have been taken at the last moment.
  const leaving = new Set<Promise<Close>>()
  const leave = async (line: string, ended: Promise<Close>) => {
    leaving.add(ended)
    const close = await ended
    await untilIdle(line)
    if (leaving.delete(ended)) await close()
  }
  const begin = (line: string) => {
    const ending = new AbortController()
    taking.set(line, { ending, ended: take(line, AbortSignal.any([signal, ending.signal])) })
  }
  const look = async () => {
    const labels = host.labels()
    const fitting = (await queue.lines()).filter((line) => maySee(line, { name: host.name, labels }))
    for (const line of fitting) if (!taking.has(line)) begin(line)
    for (const [line, { ending, ended }] of taking) {
      if (fitting.includes(line) || always.includes(line)) continue
      taking.delete(line)
      ending.abort()
      void leave(line, ended)
    }
  }
  for (const line of always) begin(line)
  while (!signal.aborted) {
    await look().catch((err: unknown) => log.debug({ err }, 'new lines go unnoticed for now'))
    await sleep(everyMs, undefined, { signal }).catch(() => undefined)
  }
  const closes = await Promise.all([...[...taking.values()].map(({ ended }) => ended), ...leaving])
  leaving.clear()
  return async () => void (await Promise.all(closes.map((close) => close())))
}
