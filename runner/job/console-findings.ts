import { createMilestoneWatch } from '../logs/console-milestones.ts'
import { type ConsoleFinding, type ConsoleWatch, createConsoleWatch } from '../logs/console-watch.ts'
import type { Timeline } from './timeline.ts'

/** What a job's console says, put on its timeline as it is said. */
export type ConsoleFindings = {
  push(chunk: Buffer): void
  /** Something new begins, such as a step: what was found before counts no more, and may be found again. */
  begin(): void
  /** Since then, at most one of a kind. */
  found(): readonly ConsoleFinding[]
}

/** A guest can say whatever it likes as often as it likes, so each kind is told once between two beginnings. */
export function createConsoleFindings(timeline: Pick<Timeline, 'emit'>): ConsoleFindings {
  let findings: ConsoleFinding[] = []
  const newWatch = (): ConsoleWatch =>
    createConsoleWatch((finding) => {
      findings.push(finding)
      const { kind, sentence, line } = finding
      timeline.emit({ type: 'finding', kind, sentence, line })
    })
  let watch = newWatch()
  const watchMilestones = createMilestoneWatch((milestone) =>
    timeline.emit({ type: 'finding', ...milestone }),
  )
  return {
    push(chunk) {
      watchMilestones(chunk)
      watch.push(chunk)
    },
    begin() {
      findings = []
      watch = newWatch()
    },
    found: () => findings,
  }
}
