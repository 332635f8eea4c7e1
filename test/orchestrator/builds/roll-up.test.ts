import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rollUp } from '../../../orchestrator/builds/roll-up.ts'
import { endStates, isEnded, type JobState } from '../../../orchestrator/model/build.ts'

const of = (...states: JobState[]) => rollUp(states.map((state) => ({ state, started: undefined })))

describe('rollUp', () => {
  it.each<[JobState[], string]>([
    [['passed', 'passed'], 'passed'],
    [['passed', 'skipped'], 'passed'],
    [['skipped', 'skipped'], 'skipped'],
    [['failed', 'errored', 'skipped'], 'failed'],
    [['errored', 'cancelled', 'passed'], 'errored'],
    [['timed-out', 'errored'], 'timed-out'],
    [['cancelled', 'passed', 'skipped'], 'cancelled'],
    [['blocked', 'queued'], 'queued'],
    [['claimed', 'blocked'], 'queued'],
    [['running', 'blocked'], 'running'],
    [['skipped', 'queued'], 'queued'],
  ])('makes of %j: %s', (states, expected) => {
    expect(of(...states)).toBe(expected)
  })

  it('stays running between two jobs of which one has run', () => {
    expect(
      rollUp([
        { state: 'passed', started: '2026-01-01T00:00:00Z' },
        { state: 'queued', started: undefined },
      ]),
    ).toBe('running')
  })

  it('has a verdict when and only when all jobs have one, and passes only without a worse one', () => {
    const state = fc.constantFrom<JobState>('blocked', 'queued', 'claimed', 'running', ...endStates)
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 8 }), (states) => {
        const result = of(...states)
        expect(isEnded(result)).toBe(states.every(isEnded))
        if (result === 'passed')
          expect(states.every((one) => one === 'passed' || one === 'skipped')).toBe(true)
        expect(of(...states.toReversed())).toBe(result)
      }),
    )
  })
})
