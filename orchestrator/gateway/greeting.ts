import { cleanText } from '../../runner/logs/clean-text.ts'
import type { Login } from './open-session.ts'
import { readableTime } from './readable-time.ts'

/** What a person reads in front of the first prompt. */
export function greetingOf({ job, greeting, until }: Pick<Login, 'job' | 'greeting' | 'until'>): string {
  const minutes = Math.max(0, Math.floor((until.getTime() - Date.now()) / 60_000))
  // It may quote a pipeline file, which may hold what a terminal obeys.
  const said = cleanText(greeting).slice(0, 2000).trim()
  return [
    `Mayfly: the machine of job ${job}`,
    ...(said === '' ? [] : [said]),
    `Open until ${readableTime(until)} (${minutes === 0 ? 'less than a minute' : `${minutes} min`} left). This session is recorded.`,
    '',
  ].join('\n')
}
