import { describe, expect, it } from 'vitest'
import { ConfigError, failureClasses, InfraError, JobError } from '../../../config/errors.ts'
import { Cancelled, outcomeOf, TimedOut } from '../../../runner/job/outcome.ts'

describe('outcomeOf', () => {
  it('calls a job failed when a step of its own said no, and for nothing else', () => {
    const error = new JobError('step "test" ended with exit code 1', { step: 'test', exitCode: 1, hint: 'h' })
    expect(outcomeOf(error)).toEqual({
      verdict: 'failed',
      failure: undefined,
      reason: error.message,
      hint: 'h',
      evidence: [],
    })
  })

  it.each(failureClasses)('keeps the class %s of an infrastructure error', (failure) => {
    const outcome = outcomeOf(new InfraError(failure, 'm', { hint: 'h', evidence: ['line'] }))
    expect(outcome).toEqual({ verdict: 'errored', failure, reason: 'm', hint: 'h', evidence: ['line'] })
  })

  it('counts what the user wrote wrong as errored, of class config', () => {
    expect(outcomeOf(new ConfigError('m'))).toMatchObject({ verdict: 'errored', failure: 'config' })
  })

  it('tells a time limit from a cancelling', () => {
    expect(outcomeOf(new TimedOut('too long'))).toMatchObject({ verdict: 'timed-out', reason: 'too long' })
    expect(outcomeOf(new TimedOut('too long', { where: 'in step "a"', evidence: ['b'] }))).toMatchObject({
      ...{ verdict: 'timed-out', reason: 'too long, in step "a"', evidence: ['b'] },
    })
    expect(outcomeOf(new Cancelled('no more'))).toMatchObject({ verdict: 'cancelled', reason: 'no more' })
  })

  it.each([
    [new TypeError('x is undefined'), 'x is undefined'],
    ['a bare string', 'a bare string'],
  ])('owns up to %s as an error of ours, without a class', (error, words) => {
    const outcome = outcomeOf(error)
    expect(outcome).toMatchObject({ verdict: 'errored', failure: undefined })
    expect(outcome.reason).toBe(`an error of Mayfly's own: ${words}`)
  })
})
