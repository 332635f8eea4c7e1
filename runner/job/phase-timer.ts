import type { JobLife } from './job-life.ts'
import { TimedOut } from './outcome.ts'
import { elapsedOf, type Past, pastPhase } from './past.ts'
import type { Timeline } from './timeline.ts'

type PhaseTimer = {
  readonly timeline: Timeline
  readonly signal: AbortSignal
  readonly past: Past | undefined
}

/** Times phases on the timeline; of those that another process began or ended, what it wrote of them counts. */
export function phaseTimer({ timeline, signal, past }: PhaseTimer): JobLife['phase'] {
  return async (phase, run) => {
    const before = past && pastPhase(past, phase)
    const begun = past === undefined || before === undefined ? 0 : elapsedOf(past) - before.at
    const started = performance.now() - begun
    if (before === undefined) timeline.emit({ type: 'phase-started', phase })
    try {
      return await run()
    } catch (error) {
      if (error !== signal.reason || !(error instanceof TimedOut)) throw error
      throw new TimedOut(error.message, { where: `in phase ${phase}` })
    } finally {
      if (before?.isOver !== true)
        timeline.emit({ type: 'phase-ended', phase, ms: Math.round(performance.now() - started) })
    }
  }
}
