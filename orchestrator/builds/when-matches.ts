import type { When } from '../../config/pipeline/pipeline.ts'
import type { Trigger } from '../model/trigger.ts'
import type { Globs } from './globs.ts'

type WhenMatches = {
  when: When
  trigger: Pick<Trigger, 'event' | 'branch' | 'tag'>
  /** undefined where it can't be told: then every file may have changed. */
  changedFiles: readonly string[] | undefined
  globs: Globs
}

/** Whether a job runs, and each rule that was looked at in words. */
export type WhenVerdict = { readonly runs: boolean; readonly reason: string }

type Rule = { readonly met: boolean; readonly reason: string }

/** Looks at all conditions of a job; all that are given have to be met. */
export function whenMatches({ when, trigger, changedFiles, globs }: WhenMatches): WhenVerdict {
  const rules = [
    eventRule(when.event, trigger.event),
    nameRule({ what: 'branch', name: trigger.branch, patterns: when.branch, globs }),
    nameRule({ what: 'tag', name: trigger.tag, patterns: when.tag, globs }),
    pathsRule({ patterns: when.paths, changedFiles, globs }),
  ].filter((rule) => rule !== undefined)
  const unmet = rules.filter(({ met }) => !met)
  if (unmet.length > 0) return { runs: false, reason: sentence(unmet) }
  return { runs: true, reason: rules.length === 0 ? 'it has no conditions' : sentence(rules) }
}

function eventRule(events: When['event'], event: Trigger['event']): Rule | undefined {
  if (events === undefined) return undefined
  const met = events.includes(event)
  return { met, reason: met ? `event ${event} is asked for` : `event ${event} is not ${either(events)}` }
}

type NameRule = {
  what: 'branch' | 'tag'
  name: string | undefined
  patterns: readonly string[] | undefined
  globs: Globs
}

function nameRule({ what, name, patterns, globs }: NameRule): Rule | undefined {
  if (patterns === undefined) return undefined
  if (name === undefined)
    return { met: false, reason: `there is no ${what}, and ${either(patterns)} is asked for` }
  const met = globs(patterns, [name]) !== undefined
  return { met, reason: `${what} ${name} ${met ? 'matches' : 'does not match'} ${either(patterns)}` }
}

type PathsRule = Pick<WhenMatches, 'changedFiles' | 'globs'> & { patterns: readonly string[] | undefined }

function pathsRule({ patterns, changedFiles, globs }: PathsRule): Rule | undefined {
  if (patterns === undefined) return undefined
  if (changedFiles === undefined) {
    return { met: true, reason: 'which files changed is not known, so the rule for paths is taken as met' }
  }
  const match = globs(patterns, changedFiles)
  if (match !== undefined) return { met: true, reason: `changed file ${match} matches ${either(patterns)}` }
  const files =
    changedFiles.length === 1
      ? 'the one changed file does not match'
      : `none of ${changedFiles.length} changed files matches`
  return { met: false, reason: `${files} ${either(patterns)}` }
}

function sentence(rules: readonly Rule[]): string {
  return rules.map(({ reason }) => reason).join('; ')
}

function either(words: readonly string[]): string {
  const shown = words.length > 5 ? [...words.slice(0, 5), `one of ${words.length - 5} more`] : words
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} or ${shown.at(-1)}`
}
