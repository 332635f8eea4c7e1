import { describe, expect, it } from 'vitest'
import type { Contender, What } from './contender.ts'
import { planTurns } from './plan-turns.ts'

const contender = (what: What): Contender => ({ what, start: async () => [] })
const contenders = [contender('cold'), contender('pool'), contender('packer')]

const shown = (options: { runs: number; peerRuns: number; atOnce: readonly number[] }) =>
  planTurns({ ...options, contenders }).map(
    ({ round, atOnce, contender: { what } }) => `${round}: ${atOnce} ${what}`,
  )

describe('the turns of a run', () => {
  it('go to each in every round, the peers only one at a time and in the first rounds', () => {
    expect(shown({ runs: 2, peerRuns: 1, atOnce: [1, 2] })).toEqual([
      ...['0: 1 cold', '0: 1 pool', '0: 1 packer', '0: 2 cold', '0: 2 pool'],
      ...['1: 1 cold', '1: 1 pool'],
    ])
  })

  it('give a crowd fewer rounds, as many as make at least the wanted samples', () => {
    const turns = planTurns({ runs: 10, peerRuns: 0, atOnce: [1, 2, 8], contenders })
    const rounds = (atOnce: number) =>
      turns.filter((turn) => turn.atOnce === atOnce && turn.contender.what === 'cold').length
    expect([rounds(1), rounds(2), rounds(8)]).toEqual([10, 5, 2])
  })

  it('can give the peers more rounds than us', () => {
    expect(shown({ runs: 1, peerRuns: 2, atOnce: [1] })).toEqual([
      ...['0: 1 cold', '0: 1 pool', '0: 1 packer', '1: 1 packer'],
    ])
  })
})
