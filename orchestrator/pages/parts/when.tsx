import { formatDuration } from '../../../config/duration.ts'

/** A date for people, exact for machines; undefined shows nothing. */
export function When({ date }: { date: string | undefined }) {
  if (date === undefined) return null
  return <time datetime={date}>{`${date.slice(0, 10)} ${date.slice(11, 19)} UTC`}</time>
}

/** How long something took, or takes until now. */
export function Took({ from, to, now }: { from: string | undefined; to: string | undefined; now: Date }) {
  if (from === undefined) return null
  const ms = (to === undefined ? now.getTime() : Date.parse(to)) - Date.parse(from)
  return <span>{formatDuration(Math.max(0, ms))}</span>
}
