import { type BuildJob, isEnded } from '../model/build.ts'
import { Layout } from './layout.tsx'

type ConsolePage = {
  job: BuildJob
  /** Offset from which on it is shown, in bytes. */
  start: number
  /** Whether the machine is kept, and whoever looks may type. */
  mayType: boolean
}

/** The serial console of a job's machine as a terminal: live, or as it was at its end. */
export function ConsolePage({ job: { id, name, state, attempt, hold }, start, mayType }: ConsolePage) {
  const isOver = isEnded(state) && hold?.state !== 'held'
  return (
    <Layout title={`Console of ${name}`} styles={['/assets/xterm.css']}>
      <p>
        <a href={`/jobs/${id}`}>Job {name}</a>
      </p>
      <h1>Serial console of {name}</h1>
      <div class="terminal-tools">
        <span role="status">
          <strong id="link">{isOver ? 'Loading' : 'Connecting'}</strong>
        </span>
        {start === 0 ? null : <a href={`/jobs/${id}?stream=console`}>From the beginning</a>}
        <button type="button" id="copy" disabled>
          Copy
        </button>
        {mayType ? (
          <button type="button" id="type">
            Type on it
          </button>
        ) : null}
        <button type="button" id="leave" hidden>
          Stop typing
        </button>
      </div>
      <p id="why" class="why" role="alert" hidden />
      <div id="terminal" class="screen" data-job={id} data-attempt={attempt} data-start={start} />
      <p class="dim">
        Copy with Ctrl+Shift+C
        {mayType ? ', leave the terminal with Ctrl+Shift+X. What is typed is on the audit record.' : '.'}
      </p>
      <noscript>
        <p class="problem">
          This needs JavaScript. <a href={`/jobs/${id}?stream=console`}>The console without it</a>
        </p>
      </noscript>
      <script type="module" src="/assets/console.js" />
    </Layout>
  )
}
