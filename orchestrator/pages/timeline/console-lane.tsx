import { formatDuration } from '../../../config/duration.ts'
import type { JobTimeline } from '../read-timeline.ts'

type ConsoleLane = {
  readonly timeline: JobTimeline
  readonly y: number
  /** Where the picture ends below. */
  readonly bottom: number
}

export const consoleLaneHeight = 38
const mostMarks = 60

/** Where the gates of the boot were passed and where the console said something of the machine. */
export function ConsoleLane({ timeline: { gates, findings, end }, y, bottom }: ConsoleLane) {
  const at = (ms: number) => `${((ms / end) * 100).toFixed(2)}%`
  return (
    <>
      <text x="0" y={y + 12} class="caption">
        Console
      </text>
      <rect x="0" y={y + 16} width="100%" height="16" class="lane" />
      {gates.slice(0, mostMarks).map((gate) => (
        <svg x={at(gate.at)} y={y + 16} width="1" height="16" overflow="visible">
          <title>{`gate ${gate.name} passed at ${formatDuration(gate.at)}`}</title>
          <rect x="-1" width="2" height="16" class="gate" />
        </svg>
      ))}
      {findings.slice(-mostMarks).map((finding) => (
        <svg x={at(finding.at)} y={y + 16} width="1" height="16" overflow="visible">
          <title>{`${finding.sentence}, at ${formatDuration(finding.at)}: ${finding.line}`}</title>
          {isMilestone(finding.kind) ? null : (
            <rect width="1" y="15" height={bottom - y - 31} class="finding" />
          )}
          <path d="M0 1L8 15H-8Z" class={isMilestone(finding.kind) ? 'milestone' : 'finding'} />
        </svg>
      ))}
    </>
  )
}

/** The same in words. */
export function ConsoleWords({ timeline: { findings } }: Pick<ConsoleLane, 'timeline'>) {
  if (findings.length === 0) return null
  return (
    <section aria-labelledby="said">
      <h2 id="said">What the console said</h2>
      <ol class="said">
        {findings.slice(-mostMarks).map(({ at, sentence, line, kind }) => (
          <li class={isMilestone(kind) ? 'dim' : undefined}>
            {formatDuration(at)}: {sentence} <code>{line}</code>
          </li>
        ))}
      </ol>
    </section>
  )
}

function isMilestone(kind: string): boolean {
  return kind === 'kernel-started' || kind === 'init-started' || kind === 'login-offered'
}
