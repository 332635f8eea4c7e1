import type { BuildJob } from '../../model/build.ts'

type Why = { job: Pick<BuildJob, 'reason' | 'failure' | 'hint'>; evidence: readonly string[] }

/** Why a job ended as it did: one sentence, the lines that show it, and the next thing to try. */
export function Why({ job: { reason, failure, hint }, evidence }: Why) {
  if (reason === undefined) return null
  return (
    <div class="why">
      <p>
        {failure === undefined ? '' : `${failure}: `}
        <strong>{reason}</strong>
      </p>
      {evidence.length === 0 ? null : <pre>{evidence.join('\n')}</pre>}
      {hint === undefined ? null : <p class="dim">Next: {hint}</p>}
    </div>
  )
}
