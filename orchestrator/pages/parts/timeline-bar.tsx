import { formatDuration } from '../../../config/duration.ts'
import type { PhaseTime } from '../read-timeline.ts'

/** The phases of a job side by side, as wide as they were long; the numbers are beside it for whoever cannot see it. */
export function TimelineBar({ phases }: { phases: readonly PhaseTime[] }) {
  const total = phases.reduce((sum, { ms }) => sum + ms, 0)
  if (total === 0) return null
  let x = 0
  return (
    <figure class="timeline">
      <svg viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true">
        {phases.map(({ phase, ms }) => {
          const width = (ms / total) * 1000
          const at = x
          x += width
          return (
            <rect x={at.toFixed(1)} y="0" width={width.toFixed(1)} height="24" class={`phase-${phase}`}>
              <title>{`${phase} ${formatDuration(ms)}`}</title>
            </rect>
          )
        })}
      </svg>
      <figcaption>
        {phases.map(({ phase, ms }) => (
          <span class="phase">
            <span class={`swatch phase-${phase}`} aria-hidden="true" />
            {phase} {formatDuration(ms)}
          </span>
        ))}
      </figcaption>
    </figure>
  )
}
