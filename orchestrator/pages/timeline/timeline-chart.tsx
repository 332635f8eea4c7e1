import { formatDuration } from '../../../config/duration.ts'
import { stateSign } from '../parts/state-mark.tsx'
import type { JobTimeline } from '../read-timeline.ts'
import { ConsoleLane, consoleLaneHeight } from './console-lane.tsx'
import { CurveLane, curveLaneHeight } from './curve-lane.tsx'
import { curveLanes } from './curve-lanes.ts'
import { LaneSegment } from './lane-segment.tsx'
import { timeTicks } from './time-ticks.ts'

type TimelineChart = { readonly id: string; readonly timeline: JobTimeline }

const axis = 18
const caption = 16
const bar = 24
const between = 6
const mostSegments = 400

/**
 * A job's life on one axis of time: phases, steps, what the console said, and what it took of the host. Everything in it
 * stands in words beside it: the phases below, the steps in their table, the console's words in their list.
 */
export function TimelineChart({ id, timeline }: TimelineChart) {
  const { end, phases, phaseSpans } = timeline
  if (end === 0) return null
  const percent = (ms: number) => (ms / end) * 100
  const { intervals, lanes } = curveLanes(timeline)
  const phasesAt = axis
  const stepsAt = phasesAt + caption + bar + between
  const consoleAt = stepsAt + caption + bar + between
  const curvesAt = consoleAt + consoleLaneHeight
  const height = curvesAt + lanes.length * curveLaneHeight
  return (
    <figure class="timeline">
      <svg width="100%" height={height} aria-labelledby="timeline">
        <title id="timeline">Timeline of the job</title>
        {timeTicks(end).map(({ at, label }) => (
          <>
            <line x1={`${percent(at).toFixed(2)}%`} x2={`${percent(at).toFixed(2)}%`} y1="14" y2={height} />
            <text x={`${percent(at).toFixed(2)}%`} y="11" text-anchor="middle">
              {label}
            </text>
          </>
        ))}
        <text x="0" y="11">
          0 s
        </text>
        <text x="0" y={phasesAt + 12} class="caption">
          Phases
        </text>
        {phaseSpans.map(({ name, from, to = end }) => (
          <LaneSegment
            label={name}
            title={`${name} ${formatDuration(to - from)}`}
            className={`phase-${name}`}
            from={percent(from)}
            width={percent(to - from)}
            y={phasesAt + caption}
            height={bar}
          />
        ))}
        <text x="0" y={stepsAt + 12} class="caption">
          Steps
        </text>
        <rect x="0" y={stepsAt + caption} width="100%" height={bar} class="lane" />
        <StepSegments id={id} timeline={timeline} y={stepsAt + caption} />
        {lanes.map((lane, index) => (
          <CurveLane {...lane} intervals={intervals} end={end} y={curvesAt + index * curveLaneHeight} />
        ))}
        <ConsoleLane timeline={timeline} y={consoleAt} bottom={height} />
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

/** Each leads to its output. Of very many, the shortest that passed are left to the table. */
function StepSegments({ id, timeline, y }: TimelineChart & { y: number }) {
  const { steps, stepSpans, end } = timeline
  const drawn = steps.flatMap((step) => {
    const span = stepSpans.get(step.index)
    return span === undefined || step.status === 'skipped' ? [] : [{ ...step, ...span }]
  })
  const longest = drawn
    .toSorted((one, other) => weight(other, end) - weight(one, end))
    .slice(0, mostSegments)
    .toSorted((one, other) => one.from - other.from)
  return (
    <>
      {longest.map(({ name, status, start, from, to = end }) => (
        <a href={`/jobs/${id}?offset=${start}#log`} aria-label={`Output of step ${name}, ${status}`}>
          <LaneSegment
            label={`${stateSign(status)} ${name}`}
            title={`${name}: ${status}, ${formatDuration(to - from)}`}
            className={`step-${status}`}
            from={(from / end) * 100}
            width={((to - from) / end) * 100}
            y={y}
            height={bar}
          />
        </a>
      ))}
    </>
  )
}

function weight(
  { status, from, to = 0 }: { status: string; from: number; to: number | undefined },
  end: number,
) {
  return status === 'passed' ? to - from : end + to - from
}
