import type { Ending } from './hold-parts.ts'

/** What failed, and where to look first. */
export function greetingOf({ verdict, reason, hint }: Ending): string {
  return [
    `${verdict}${reason === undefined ? '' : `: ${reason}`}`,
    ...(hint === undefined ? [] : [hint]),
    'The files are in ~/work. `. /run/mayfly/job/env` sets the environment of the steps; the secrets were removed.',
  ].join('\n')
}
