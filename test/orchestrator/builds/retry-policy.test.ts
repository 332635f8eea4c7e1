import { describe, expect, it } from 'vitest'
import { shouldRetry } from '../../../orchestrator/builds/retry-policy.ts'
import { aJobOf } from './a-job-of.ts'

const [job] = aJobOf('retry: { max: 2, on: [boot, host-lost] }\nsteps: [make]')
const errored = { job, state: 'errored', failure: 'boot', attempt: 1, cancelRequested: undefined } as const

describe('shouldRetry', () => {
  it('gives an error of a class that the job names another attempt, up to its most', () => {
    expect(shouldRetry(errored)).toBe(true)
    expect(shouldRetry({ ...errored, attempt: 2 })).toBe(true)
    expect(shouldRetry({ ...errored, attempt: 3 })).toBe(false)
  })

  it('gives no other class one', () => {
    expect(shouldRetry({ ...errored, failure: 'upload' })).toBe(false)
    expect(shouldRetry({ ...errored, failure: undefined })).toBe(false)
  })

  it.each(['failed', 'timed-out', 'cancelled', 'skipped', 'passed'] as const)(
    'never retries a job that is %s',
    (state) => {
      expect(shouldRetry({ ...errored, state })).toBe(false)
    },
  )

  it('does not go on with a job whose end somebody asked for, nor with one that was never to run', () => {
    expect(shouldRetry({ ...errored, cancelRequested: 'ann' })).toBe(false)
    expect(shouldRetry({ ...errored, ruledOut: true })).toBe(false)
  })
})
