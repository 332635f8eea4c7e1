import type { Sent } from './outbox.ts'

export type Answer = {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The beginning of the body. */
  readonly text: string
}

/** Longest that anybody's word makes us wait, in ms. */
const longestWait = 3_600_000

/**
 * What an HTTP answer means for what was sent. 429, 408 and 5xx are passing, and so is a 403 that speaks of a rate
 * limit, as GitHub's does; other refusals are final.
 */
export function judgeAnswer(answer: Answer, now: Date): Sent {
  const { status, text } = answer
  if (status >= 200 && status < 300) return { kind: 'sent' }
  const reason = `the answer was ${status}${text === '' ? '' : `: ${oneLine(text)}`}`
  const wait = askedWait(answer, now)
  if (status === 429 || status === 408 || status >= 500) return { kind: 'later', reason, wait }
  if (status === 403 && (wait !== undefined || /rate limit/i.test(text)))
    return { kind: 'later', reason, wait: wait ?? 60_000 }
  if (status >= 300 && status < 400)
    return { kind: 'refused', reason: `${reason} (moved: register the repository under its new name)` }
  return { kind: 'refused', reason }
}

/**
 * ms until the other side wants to hear from us again: `Retry-After` in seconds or as a date (RFC 9110), or the reset
 * of a rate limit that is used up (GitHub, GitLab and Gitea, in seconds since 1970).
 */
export function askedWait({ headers }: Answer, now: Date): number | undefined {
  const after = text(headers['retry-after'])
  if (after !== undefined) {
    const ms = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - now.getTime()
    if (Number.isFinite(ms)) return Math.min(longestWait, Math.max(0, ms))
  }
  for (const prefix of ['x-ratelimit', 'ratelimit']) {
    const reset = text(headers[`${prefix}-reset`])
    if (text(headers[`${prefix}-remaining`]) !== '0' || reset === undefined || !/^\d+$/.test(reset)) continue
    return Math.min(longestWait, Math.max(0, Number(reset) * 1000 - now.getTime()))
  }
  return undefined
}

function text(value: string | readonly string[] | undefined): string | undefined {
  return (typeof value === 'string' ? value : value?.[0])?.trim()
}

function oneLine(body: string): string {
  return body
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 200)
}
