import { type Contender, isPeer } from './contender.ts'

type Plan = {
  readonly runs: number
  readonly peerRuns: number
  readonly atOnce: readonly number[]
  readonly contenders: readonly Contender[]
}

export type Turn = { readonly round: number; readonly atOnce: number; readonly contender: Contender }

/** Who starts when: one after the other in each round, so that whatever else the host does meets all of them. */
export function planTurns({ runs, peerRuns, atOnce, contenders }: Plan): Turn[] {
  const rounds = Array.from({ length: Math.max(runs, peerRuns) }, (_, round) => round)
  return rounds.flatMap((round) =>
    atOnce.flatMap((count) =>
      contenders
        .filter(({ what }) =>
          // A crowd gives as many samples as it has members.
          isPeer(what) ? count === 1 && round < peerRuns : round * count < runs,
        )
        .map((contender) => ({ round, atOnce: count, contender })),
    ),
  )
}
