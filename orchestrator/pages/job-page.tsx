import { formatSize } from '../../config/size.ts'
import { describeCheckpoint } from '../../runner/job/describe-checkpoint.ts'
import { describeImage } from '../../runner/job/describe-image.ts'
import { type BuildJob, isEnded } from '../model/build.ts'
import { Action } from './build-page.tsx'
import { Layout } from './layout.tsx'
import type { LogWindow } from './log-lines.ts'
import { EgressTable } from './parts/egress-table.tsx'
import { HoldNote } from './parts/hold-note.tsx'
import { LogTable } from './parts/log-table.tsx'
import { StateMark } from './parts/state-mark.tsx'
import { VisitNote } from './parts/visit-note.tsx'
import { Why } from './parts/why.tsx'
import type { JobTimeline } from './read-timeline.ts'
import { ConsoleWords } from './timeline/console-lane.tsx'
import { StepTable } from './timeline/step-table.tsx'
import { TimelineChart } from './timeline/timeline-chart.tsx'

type JobPage = {
  job: BuildJob
  stream: 'log' | 'console'
  timeline: JobTimeline
  window: LogWindow
  /** Lines of the log so far. */
  total: number
  mayAct: boolean
  mayDebug: boolean
  now: Date
}

/** One job: why it ended as it did, its phases, its steps, and its log or its console. */
export function JobPage({ job, stream, timeline, window, total, mayAct, mayDebug, now }: JobPage) {
  const { id, name, build, state, attempt, waiting } = job
  const running = !isEnded(state)
  return (
    <Layout title={`Job ${name}`}>
      <p>
        <a href={`/builds/${build}`}>Build {build}</a>
      </p>
      <h1>
        <span id="state">
          <StateMark state={state} />
        </span>{' '}
        {name}
      </h1>
      <Why job={job} evidence={timeline.evidence} />
      {waiting === undefined || !running ? null : <p class="dim">{waiting}</p>}
      {job.visit === undefined || state !== 'running' ? null : <VisitNote id={id} visit={job.visit} />}
      <HoldNote job={job} mayDebug={mayDebug} now={now} />
      <Facts timeline={timeline} attempt={attempt} />
      <TimelineChart id={id} timeline={timeline} />
      {mayAct && running ? <Action path={`/jobs/${id}/cancel`} name="Cancel" /> : null}
      {mayAct && mayDebug && isFailure(state) ? (
        <Action path={`/jobs/${id}/retry-with-debug`} name="Retry with debug" />
      ) : null}
      <StepTable id={id} timeline={timeline} />
      <ConsoleWords timeline={timeline} />
      <Artifacts timeline={timeline} id={id} />
      <EgressTable timeline={timeline} />
      <h2>{stream === 'log' ? 'Log' : 'Console'}</h2>
      <div class="log-tools">
        <a href={`/jobs/${id}?stream=${stream === 'log' ? 'console' : 'log'}`}>
          {stream === 'log' ? 'Show the console' : 'Show the log'}
        </a>
        <a href={`/jobs/${id}/console`}>Console as a terminal</a>
        <LogEnds id={id} stream={stream} window={window} total={total} />
        <a href={`/api/v1/jobs/${id}/${stream}`} download={`${id}.${stream}.txt`}>
          Download
        </a>
        <form id="log-search" method="get" action={`/jobs/${id}/search`}>
          <input type="hidden" name="stream" value={stream} />
          <label>
            Search <input type="search" name="text" maxlength={200} />
          </label>
          <button type="submit">Find</button>
        </form>
        <label id="follow-label" hidden={!running}>
          <input type="checkbox" id="follow" checked={running} /> Follow
        </label>
      </div>
      <LogTable id={id} stream={stream} window={window} total={total} running={running} />
      <script type="module" src="/assets/log.js" />
    </Layout>
  )
}

function isFailure(state: BuildJob['state']): boolean {
  return state === 'failed' || state === 'errored' || state === 'timed-out'
}

/** To either end of a log that is longer than what is shown, however far that is. */
function LogEnds({
  id,
  stream,
  window,
  total,
}: Pick<JobPage, 'stream' | 'window' | 'total'> & { id: string }) {
  const shown = window.lines.length
  if (total <= shown) return null
  const page = (line: number, at: number) => `/jobs/${id}?stream=${stream}&line=${line}#L${at}`
  return (
    <>
      <a href={page(1, 1)}>First line</a>
      <a href={page(Math.max(1, total - shown + 1), total)}>Last line</a>
    </>
  )
}

function Facts({ timeline: { machine, image: from }, attempt }: { timeline: JobTimeline; attempt: number }) {
  if (machine === undefined) return null
  const { image, cpus, memory, accel, accelReason, strategy, network, checkpoint } = machine
  return (
    <p class="dim">
      attempt {attempt}, {image}, {cpus} cpus, {formatSize(memory)}, network {network}, {strategy} start with{' '}
      {accel} ({accelReason}){checkpoint === undefined ? '' : `; ${describeCheckpoint(checkpoint)}`}
      {from !== undefined && (
        <>
          <br />
          image {describeImage(from)}
        </>
      )}
    </p>
  )
}

function Artifacts({ timeline: { artifacts }, id }: { timeline: JobTimeline; id: string }) {
  if (artifacts.length === 0) return null
  return (
    <section aria-labelledby="artifacts">
      <h2 id="artifacts">Artifacts</h2>
      <ul>
        {artifacts.map(({ path, bytes }) => (
          <li>
            <a
              href={`/api/v1/jobs/${id}/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`}
              download
            >
              {path}
            </a>{' '}
            <span class="dim">{formatSize(bytes)}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
