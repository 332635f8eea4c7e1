const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const units = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12, 24, 48, 96, 168].map((count) => count * hour),
]

export type Tick = { readonly at: number; readonly label: string }

/** Round times between the beginning and the end of a job, in ms, at most five of them, with what is written there. */
export function timeTicks(end: number): Tick[] {
  const unit = units.find((one) => end / one < 6) ?? end
  const ticks: Tick[] = []
  // The last one has to have room for its label.
  for (let at = unit; at <= end * 0.97; at += unit) ticks.push({ at, label: label(at) })
  return ticks.slice(0, 5)
}

function label(ms: number): string {
  if (ms < minute) return `${Math.round(ms / 100) / 10} s`
  const [hours, minutes, seconds] = [
    Math.floor(ms / hour),
    Math.floor((ms % hour) / minute),
    (ms % minute) / second,
  ]
  if (hours > 0) return `${hours} h${minutes > 0 ? ` ${minutes} m` : ''}`
  return `${minutes} m${seconds > 0 ? ` ${seconds} s` : ''}`
}
