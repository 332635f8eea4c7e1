import { isPeer, type StartFigures } from './contender.ts'
import type { Turn } from './plan-turns.ts'
import type { Sample } from './row.ts'

/** Takes the turns one after the other. A peer's start that fails is told and left out; one of ours ends it all. */
export async function runTurns(turns: readonly Turn[], tell: (line: string) => void): Promise<Sample[]> {
  const samples: Sample[] = []
  for (const turn of turns) {
    const { round, atOnce, contender } = turn
    tell(`round ${round + 1}: ${atOnce} x ${contender.what} ...`)
    const figures = await figuresOf(turn, tell)
    samples.push(...figures.map((one) => ({ what: contender.what, atOnce, figures: one })))
  }
  return samples
}

async function figuresOf(
  { round, atOnce, contender }: Turn,
  tell: (line: string) => void,
): Promise<StartFigures[]> {
  try {
    return await contender.start({ id: `${contender.what}-${round}-${atOnce}`, atOnce })
  } catch (error) {
    if (!isPeer(contender.what)) throw error
    tell(`left out, for it failed: ${error instanceof Error ? error.message : String(error)}`)
    return []
  }
}
