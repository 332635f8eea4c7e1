import { curvePath } from './curve-path.ts'
import type { Interval } from './curves.ts'

/** Some words, in the colour of the curve that they are about. */
export type Most = { readonly words: string; readonly className?: string }

export type Curve = { readonly of: (interval: Interval) => number; readonly className: string }

type CurveLane = {
  readonly name: string
  /** What its highest points were. */
  readonly most: readonly Most[]
  readonly intervals: readonly Interval[]
  readonly curves: readonly Curve[]
  /** The value at its upper edge. */
  readonly top: number
  /** Milliseconds at its right edge. */
  readonly end: number
  readonly y: number
}

export const curveLaneHeight = 62
const captionHeight = 16
const height = 40

/** One or two curves over a job's time, one before the other. The picture stretches, its lines and letters do not. */
export function CurveLane({ name, most, intervals, curves, top, end, y }: CurveLane) {
  return (
    <>
      <text x="0" y={y + 12} class="caption">
        {name}
      </text>
      <text x="100%" y={y + 12} text-anchor="end">
        {most.map(({ words, className }) => (
          <tspan class={className}>{words}</tspan>
        ))}
      </text>
      <rect x="0" y={y + captionHeight} width="100%" height={height} class="lane" />
      <svg
        x="0"
        y={y + captionHeight}
        width="100%"
        height={height}
        viewBox="0 0 1000 100"
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {curves.map(({ of, className }) => {
          const points = intervals.map((interval) => ({
            ...{ from: interval.from, to: interval.to, value: of(interval) },
          }))
          return <path d={curvePath({ points, end, most: top })} class={className} />
        })}
      </svg>
    </>
  )
}
