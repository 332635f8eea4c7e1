import { describe, expect, it } from 'vitest'
import type { Contender } from './contender.ts'
import { runTurns } from './run-turns.ts'

const turnOf = (contender: Contender, round = 0) => ({ round, atOnce: 1, contender })
const fails = async () => {
  throw new Error('no login came')
}

describe('turns that are taken', () => {
  it('give a sample for each machine, and each crowd a name of its own', async () => {
    const ids: string[] = []
    const start: Contender['start'] = async ({ id }) => {
      ids.push(id)
      return [{ first_byte: 1 }, { first_byte: 2 }]
    }
    const pool: Contender = { what: 'pool', start }
    const samples = await runTurns([turnOf(pool), turnOf(pool, 1)], () => undefined)
    expect(samples.map(({ what, figures }) => `${what} ${figures.first_byte}`)).toEqual([
      ...['pool 1', 'pool 2', 'pool 1', 'pool 2'],
    ])
    expect(new Set(ids).size).toBe(2)
  })

  it('go on after a peer that failed, and say so', async () => {
    const told: string[] = []
    const packer: Contender = { what: 'packer', start: fails }
    const cold: Contender = { what: 'cold', start: async () => [{ first_byte: 1 }] }
    const samples = await runTurns([turnOf(packer), turnOf(cold)], (line) => told.push(line))
    expect(samples.map(({ what }) => what)).toEqual(['cold'])
    expect(told).toContain('left out, for it failed: no login came')
  })

  it('end with a start of ours that failed', async () => {
    const cold: Contender = { what: 'cold', start: fails }
    await expect(runTurns([turnOf(cold)], () => undefined)).rejects.toThrow('no login came')
  })
})
