import type { Trigger } from '../model/trigger.ts'

type SkipCi = {
  trigger: Pick<Trigger, 'event' | 'title'>
  /** The commit's whole message, once it is known. */
  message?: string
}

/**
 * Why no build is wanted, where the message of a push or a pull request has `[skip ci]` or `[ci skip]` in it. Tags,
 * schedules and runs by hand are asked for on purpose and are never skipped by a word.
 */
export function skipCi({ trigger, message = '' }: SkipCi): string | undefined {
  if (trigger.event !== 'push' && trigger.event !== 'pull_request') return undefined
  const mark = /\[(?:skip ci|ci skip)\]/i.exec(`${trigger.title}\n${message}`)?.[0]
  return mark && `not run: ${mark} is in the message`
}
