import { describe, expect, it } from 'vitest'
import { fairness, jain } from './fairness.ts'

/** Jobs of two repositories that are all in line from the start, taken every 10 ms in this order. */
const taken = (order: string) =>
  [...order].map((repository, index) => ({ id: repository, queued: 0, claimed: 100 + index * 10 }))
const weights: Record<string, number> = { a: 1, b: 1, d: 2 }
const repositoryOf = (job: string) => ({ name: job, weight: weights[job] ?? 1 })

describe('jain', () => {
  it('is 1 for equal shares, and 1/n where one has it all', () => {
    expect(jain([3, 3, 3])).toBe(1)
    expect(jain([5, 0, 0, 0])).toBe(0.25)
  })
})

describe('fairness', () => {
  it('is 1 where repositories take turns, and low where one waits for the other to be through', () => {
    const turns = { times: taken('ab'.repeat(20)), repositoryOf, windowMs: 100 }
    expect(fairness(turns)).toBe(1)
    expect(fairness({ ...turns, times: taken(`${'a'.repeat(20)}${'b'.repeat(20)}`) })).toBe(0.5)
  })

  it('has a repository of twice the weight start twice as many', () => {
    const even = { times: taken('dad'.repeat(20)), repositoryOf, windowMs: 150 }
    expect(fairness(even)).toBe(1)
    expect(fairness({ ...even, times: taken('da'.repeat(20)) })).toBeLessThan(0.95)
  })

  it('leaves out those that had nothing in line for a part of the window', () => {
    const late = [...taken('a'.repeat(20)), { id: 'b', queued: 250, claimed: 260 }]
    expect(fairness({ times: late, repositoryOf, windowMs: 100 })).toBeNaN()
  })
})
