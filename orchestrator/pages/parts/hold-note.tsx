import { formatSize } from '../../../config/size.ts'
import type { BuildJob, ParkedHold } from '../../model/build.ts'
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
  if (hold.state === 'resuming') return <p class="dim">The machine is being resumed.</p>
  if (hold.state === 'parked') return <Parked id={id} hold={hold} mayDebug={mayDebug} />
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
      {mayDebug ? (
        <>
          <p>
            <a href={`/jobs/${id}/terminal`}>Open a terminal in the browser</a>
          </p>
          <Action path={`/jobs/${id}/park`} name="Park it now" />{' '}
          <Action path={`/jobs/${id}/release`} name="End it now" />
        </>
      ) : null}
    </section>
  )
}

function Parked({ id, hold, mayDebug }: { id: string; hold: ParkedHold; mayDebug: boolean }) {
  return (
    <section class="hold" aria-labelledby="hold">
      <h2 id="hold">The machine is parked</h2>
      <p>
        As it stood at <time datetime={hold.parked}>{hold.parked.slice(0, 16).replace('T', ' ')} UTC</time>,
        until <time datetime={hold.until}>{hold.until.slice(0, 10)}</time>, {formatSize(hold.bytes)}:{' '}
        <code>mayfly debug {id}</code> resumes it.
      </p>
      {hold.why === undefined ? null : <p class="why">{hold.why}</p>}
      {mayDebug ? (
        <>
          <Action path={`/jobs/${id}/resume`} name="Resume it" />{' '}
          <Action path={`/jobs/${id}/release`} name="Remove it" />
        </>
      ) : null}
    </section>
  )
}

function clock(date: string): string {
  return `${date.slice(11, 16)} UTC`
}
