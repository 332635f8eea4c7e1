import { describe, expect, it } from 'vitest'
import { judgeAnswer } from '../../../orchestrator/outbox/judge-answer.ts'
import { retryDelay } from '../../../orchestrator/outbox/retry-delay.ts'

const now = new Date('2026-01-01T00:00:00Z')
const seconds = now.getTime() / 1000
const judge = (status: number, headers: Record<string, string> = {}, text = '') =>
  judgeAnswer({ status, headers, text }, now)

describe('judgeAnswer', () => {
  it('takes 2xx as sent', () => {
    for (const status of [200, 201, 202, 204]) expect(judge(status)).toEqual({ kind: 'sent' })
  })

  it('tries again after 408, 429 and 5xx', () => {
    for (const status of [408, 429, 500, 502, 503, 504])
      expect(judge(status)).toMatchObject({ kind: 'later' })
  })

  it('waits as long as Retry-After says, in seconds or as a date, but an hour at most', () => {
    expect(judge(429, { 'retry-after': '7' })).toMatchObject({ wait: 7000 })
    expect(judge(503, { 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' })).toMatchObject({ wait: 60_000 })
    expect(judge(503, { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' })).toMatchObject({ wait: 0 })
    expect(judge(429, { 'retry-after': '999999' })).toMatchObject({ wait: 3_600_000 })
    expect(judge(429, { 'retry-after': 'later' })).toMatchObject({ wait: undefined })
  })

  it('takes a 403 as passing where it is about a rate limit, and as final where it is not', () => {
    const used = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(seconds + 90) }
    expect(judge(403, used)).toMatchObject({ kind: 'later', wait: 90_000 })
    expect(judge(403, {}, 'You have exceeded a secondary rate limit')).toMatchObject({
      kind: 'later',
      wait: 60_000,
    })
    expect(judge(403, { 'x-ratelimit-remaining': '4999' }, 'Resource not accessible')).toEqual({
      kind: 'refused',
      reason: 'the answer was 403: Resource not accessible',
    })
  })

  it('takes other refusals as final, in one line of bounded length', () => {
    expect(judge(401, {}, 'Bad\n\u001b[31m credentials')).toEqual({
      kind: 'refused',
      reason: 'the answer was 401: Bad [31m credentials',
    })
    expect(judge(404)).toEqual({ kind: 'refused', reason: 'the answer was 404' })
    const long = judge(422, {}, 'x'.repeat(5000))
    expect(long.kind === 'refused' && long.reason.length).toBeLessThan(230)
    expect(judge(307)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('register the repository'),
    })
  })
})

describe('retryDelay', () => {
  const limits = { firstRetry: 1000, lastRetry: 600_000 }

  it('doubles up to the bound, by chance between half and all of it', () => {
    const delay = (tries: number, chance: number) =>
      retryDelay({ tries, limits, asked: undefined, random: () => chance })
    expect([1, 2, 3, 10, 11, 1000].map((tries) => delay(tries, 1))).toEqual([
      1000, 2000, 4000, 512_000, 600_000, 600_000,
    ])
    expect([1, 2].map((tries) => delay(tries, 0))).toEqual([500, 1000])
  })

  it('is never less than what was asked for', () => {
    expect(retryDelay({ tries: 1, limits, asked: 30_000 })).toBe(30_000)
  })
})
