import type { Cordon } from '../model/queue-view.ts'

/** `cordoned by ann: a new disk`, `drained by ann until 2026-01-02T03:04:05.000Z` */
export function cordonInWords({ by, why, drain }: Cordon): string {
  const until = drain?.until === undefined ? '' : ` until ${drain.until}`
  return `${drain === undefined ? 'cordoned' : 'drained'} by ${by}${until}${why === undefined ? '' : `: ${why}`}`
}
