import type { BuildJob } from '../../model/build.ts'
import { Action } from '../build-page.tsx'

type HoldNote = { job: Pick<BuildJob, 'id' | 'hold'>; mayDebug: boolean; now: Date }

/** What became of the wish to keep a job's machine, and the way in. */
export function HoldNote({ job: { id, hold }, mayDebug, now }: HoldNote) {
  if (hold === undefined) return null
  if (hold.state === 'refused') return <p class="dim">The machine was not kept: {hold.why}</p>
  if (hold.state === 'ended') {
    return (
      <p class="dim">
        The machine was kept until <time datetime={hold.ended}>{clock(hold.ended)}</time>: {hold.why}
      </p>
    )
  }
  const { host, port } = hold.gateway
  const left = Math.ceil((Date.parse(hold.until) - now.getTime()) / 60_000)
  // A host that was killed has not written how it ended.
  if (left <= 0) return <p class="dim">The machine was kept until {clock(hold.until)}</p>
  return (
    <section class="hold" aria-labelledby="hold">
      <h2 id="hold">The machine is kept</h2>
      <p>
        Until <time datetime={hold.until}>{clock(hold.until)}</time>, {left} min more:{' '}
        <code>
          ssh -p {port} {id}@{host}
        </code>{' '}
        or <code>mayfly debug {id}</code>
      </p>
      {mayDebug ? <Action path={`/jobs/${id}/release`} name="End it now" /> : null}
    </section>
  )
}

function clock(date: string): string {
  return `${date.slice(11, 16)} UTC`
}
